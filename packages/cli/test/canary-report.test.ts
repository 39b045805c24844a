import { describe, expect, it } from 'vitest';
import type { CanaryEvent } from '../src/canary/events.js';
import { jsonReport, textReport } from '../src/canary/report.js';

const canary = { requests: 250, failed: 1, successRate: 0.996, p99Ms: 12.5 };
const stable = { requests: 0, failed: 0, successRate: null, p99Ms: null };
const counts = { percent: 25, window: 1, canary, stable };
const events: CanaryEvent[] = [
  { event: 'started', target: 'VirtualService default/reviews', to: 'v2', percent: 25 },
  { event: 'step', step: 1, percent: 25, weights: [{ rule: 'spec.http[0]', weights: { v1: 75, v2: 25 } }] },
  { event: 'settling', percent: 25, elapsedMs: 500, settleMs: 11_000 },
  { event: 'progress', ...counts, elapsedMs: 1500, intervalMs: 30_000 },
  { event: 'progress', ...counts, elapsedMs: 2000, intervalMs: 30_000 },
  { event: 'window', ...counts, verdict: 'suspect', reason: 'slow' },
];

function written(isTTY: boolean, report: typeof textReport): string {
  let text = '';
  const out = { write: (more: string) => (text += more), isTTY };
  for (const event of events) report({ out, err: out })(event);
  return text;
}

const sides = 'canary 250 requests 99.6 % p99 12.5 ms, stable 0 requests';
const [begin, end] = [
  'canary of VirtualService default/reviews to v2\n25 %: v1=75 v2=25\n',
  `  window 1: suspect: ${sides}: slow\n`,
];

describe('what a canary tells people', () => {
  it.each([
    [[{ rule: 'spec.http[0]', weights: { v1: 75, v2: 25 } }], true, 'v1=75 v2=25'],
    [[{ rule: 'spec.http[0]', weights: { v1: 75, v2: 25 } }], false, 'v1=75 v2=25 (last known: it could not be read)'],
    [[], false, 'nothing was changed'],
  ])('has the weights in the end', (weights, weightsRead, said) => {
    let text = '';
    const out = { write: (more: string) => (text += more) };
    const where = { target: 'it', to: 'v2', percent: 25, weights, weightsRead };
    textReport({ out, err: out })({
      event: 'summary',
      outcome: 'failed',
      exitCode: 3,
      ...where,
      seconds: 12,
      reason: 'gone',
    });
    expect(text).toBe(`failed after 12s: ${said}\ngone\n`);
  });

  it('is a line for each step and window', () => {
    expect(written(false, textReport)).toBe(begin + end);
  });

  it('lives in one line on a terminal', () => {
    let text = '';
    const out = { write: (more: string) => (text += more), isTTY: true };
    const emit = textReport({ out, err: out });
    for (const event of events) emit(event);
    const clear = '\r\u001b[2K';
    expect(text).toBe(
      `${begin}settling: 0.5s of 11s${clear}1.5s of 30s  ${sides}${clear}2s of 30s  ${sides}${clear}${end}`,
    );
  });

  it('is one object a line in JSON, without what comes at every look', () => {
    const lines = written(true, (io) => jsonReport(io, () => 0))
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['started', 'step', 'window']);
    expect(JSON.parse(lines[2]!)).toEqual({ time: '1970-01-01T00:00:00.000Z', ...events.at(-1) });
  });
});
