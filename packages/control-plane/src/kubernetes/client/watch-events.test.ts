import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { watchEvents } from './watch-events.js';

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const at = [0, ...[...cuts].sort((a, b) => a - b).map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  for (let index = 1; index < at.length; index += 1) yield bytes.slice(at[index - 1], at[index]);
}

describe('Watch events', () => {
  it('are the same wherever the pieces are cut, within a character too', async () => {
    const lines = ['ä', '€', '😀'].map((name, index) => ({
      type: 'ADDED',
      object: { metadata: { name, resourceVersion: String(index) } },
    }));
    const bytes = new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(500), { maxLength: 12 }), async (cuts) => {
        const read = [];
        for await (const events of watchEvents(pieces(bytes, cuts), 'WATCH /x')) read.push(...events);
        expect(read).toEqual(lines);
      }),
      { numRuns: 100, seed: 6 },
    );
  });

  it('are read as fast as they are taken, and no faster', async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 1;
        yield new TextEncoder().encode('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}}\n');
      }
    }
    const events = watchEvents(endless(), 'WATCH /x')[Symbol.asyncIterator]();
    await events.next();
    await events.next();
    expect(sent).toBe(2);
    await events.return?.(undefined);
  });
});
