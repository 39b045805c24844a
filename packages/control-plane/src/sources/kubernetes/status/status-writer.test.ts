import type { Issue } from '@inmesh/config';
import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import type { Patch } from '../../../kubernetes/client/client.js';
import { KubernetesError, type KubernetesProblem } from '../../../kubernetes/client/problem.js';
import type { ClusterObject } from '../cluster-object.js';
import { watchedKinds } from '../watched-kinds.js';
import { StatusWriter } from './status-writer.js';

const { type } = watchedKinds.find(({ type: { kind } }) => kind === 'VirtualService')!;

function start() {
  const clock = new FakeClock();
  const objects = new Map<string, ClusterObject>();
  const problems: KubernetesProblem[] = [];
  const writes: string[] = [];
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const patch = async (_: unknown, { name }: { name: string }, { body }: Patch) => {
    const problem = problems.shift();
    if (problem !== undefined) throw new KubernetesError(problem);
    const before = objects.get(name)!;
    const { status } = body as { status: { conditions: { status: string }[] } };
    writes.push(`${name} ${status.conditions[0]!.status}`);
    const resourceVersion = String(Number(before.metadata.resourceVersion) + 1);
    objects.set(name, { ...before, metadata: { ...before.metadata, resourceVersion }, status });
    return before as never;
  };
  const writer = new StatusWriter({
    ...{ client: { patch }, clock, controllerName: 'x/y', current: (path) => objects.get(path), now: () => 0 },
    logger: { info: log, warn: log, error: log },
  });
  const put = (name: string, generation = 1) => {
    const metadata = { name, namespace: 'shop', uid: name, generation, resourceVersion: '1' };
    objects.set(name, { kind: 'VirtualService', metadata });
  };
  const judge = (issues: Readonly<Record<string, readonly Issue[]>> = {}) => {
    const judged = [...objects].map(([name, object]) => [name, { type, object, issues: issues[name] ?? [] }] as const);
    writer.judge(new Map(judged));
  };
  const pass = async (ms: number) => {
    for (let step = 0; step < ms; step += 50) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(50);
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { writer, put, judge, pass, writes, problems, lines, objects };
}

const broken: Issue = { severity: 'error', file: 'a', line: 0, column: 0, object: '', field: 'spec', message: 'no' };

describe('A writer of status', () => {
  it('writes each object once for each verdict, as the leader, at no more than 20 a second', async () => {
    const { writer, put, judge, pass, writes } = start();
    for (const name of ['a', 'b', 'c']) put(name);
    judge();
    await pass(500);
    expect(writes).toEqual([]);
    writer.start();
    await pass(50);
    expect(writes).toEqual(['a True', 'b True']);
    await pass(500);
    expect(writes).toEqual(['a True', 'b True', 'c True']);
    judge();
    await pass(500);
    expect(writes).toHaveLength(3);
    judge({ b: [broken] });
    await pass(500);
    expect(writes.slice(3)).toEqual(['b False']);
  });

  it('lets others have the last word, until there is something new to say', async () => {
    const { writer, put, judge, pass, writes, objects } = start();
    put('a');
    writer.start();
    judge();
    await pass(200);
    const { status: _, ...without } = objects.get('a')!;
    objects.set('a', without);
    judge();
    await pass(2000);
    expect(writes).toEqual(['a True']);
    put('a', 2);
    judge();
    await pass(200);
    expect(writes).toEqual(['a True', 'a True']);
  });

  it('writes nothing that is there already, and nothing of a generation that is over', async () => {
    const { writer, put, judge, pass, writes } = start();
    put('a');
    writer.start();
    judge();
    await pass(200);
    await writer.stop();
    writer.start();
    await pass(200);
    expect(writes).toEqual(['a True']);
    await writer.stop();
    judge({ a: [broken] });
    put('a', 2);
    writer.start();
    await pass(2000);
    expect(writes).toEqual(['a True']);
  });

  it('tries again after a conflict, and says once which right is missing', async () => {
    const { writer, put, judge, pass, writes, problems, lines } = start();
    put('a');
    put('b');
    problems.push({ kind: 'conflict', message: 'conflict' });
    writer.start();
    judge();
    await pass(2000);
    expect([...writes].sort()).toEqual(['a True', 'b True']);
    expect(lines).toEqual([]);
    for (const _ of ['a', 'b']) problems.push({ kind: 'forbidden', message: 'forbidden' });
    judge({ a: [broken], b: [broken] });
    await pass(2000);
    expect(writes).toHaveLength(2);
    expect(lines).toEqual([expect.stringContaining('"resources":["virtualservices/status"],"verbs":["patch"]')]);
  });
});
