import type { PolicyDecision } from '@inmesh/core';
import { FakeClock, testCall } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { decisionListener } from './decisions.js';

let clock: FakeClock;
let lines: (readonly [string, Record<string, unknown> | undefined])[];

function listener() {
  const say = (message: string, fields?: object) => void lines.push([message, fields as Record<string, unknown>]);
  const logger = { debug: say, info: say, warn: say, error: say };
  return decisionListener({ clock, telemetry: [], logger, sourceProblem: () => 'nobody answers' });
}

beforeEach(() => {
  clock = new FakeClock();
  lines = [];
});

const refusal: PolicyDecision = { action: 'deny', allowed: false, shadow: false, policy: 'no-eve' };

describe('calls that are refused', () => {
  it('are a line in 10 s for each policy and peer, which counts those between', () => {
    const { onDecision } = listener();
    for (let i = 0; i < 5; i += 1) onDecision(testCall(), refusal);
    onDecision(testCall(), { ...refusal, policy: 'other' });
    clock.advance(10_000);
    onDecision(testCall(), refusal);
    expect(lines.map(([, fields]) => [fields?.policy, fields?.suppressed])).toEqual([
      ['no-eve', undefined],
      ['other', undefined],
      ['no-eve', 4],
    ]);
  });

  it('that are audited are all told of', () => {
    const { onDecision } = listener();
    for (let i = 0; i < 2; i += 1) onDecision(testCall(), { ...refusal, action: 'log', allowed: true });
    expect(lines).toHaveLength(2);
  });

  it('since no way in takes them, say what cures it', () => {
    const { onNotTaken } = listener();
    for (const reason of ['plaintext', 'plaintext', 'not_ready'] as const) onNotTaken!(testCall(), reason);
    expect(lines).toEqual([
      [
        expect.stringMatching(/mesh\.createServer.*PERMISSIVE.*probes/),
        expect.objectContaining({ reason: 'plaintext' }),
      ],
      [
        expect.stringContaining('nobody comes in until there is a configuration'),
        expect.objectContaining({ problem: 'nobody answers' }),
      ],
    ]);
  });
});
