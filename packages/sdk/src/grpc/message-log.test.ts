import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MessageContext } from './grpc-js.js';
import { BufferBudget, MessageLog } from './message-log.js';

/** Takes a message when the test says that it was written, as a connection does. */
class Sink {
  readonly taken: number[] = [];
  closed = false;
  #written: (() => void)[] = [];

  sendMessageWithContext({ callback }: MessageContext, message: Buffer): void {
    this.taken.push(message.length);
    this.#written.push(() => callback?.());
  }

  halfClose(): void {
    this.closed = true;
  }

  write(): void {
    this.#written.shift()?.();
  }

  writeAll(): void {
    while (this.#written.length > 0) this.write();
  }
}

const bytes = (size: number) => Buffer.alloc(size);

function logOf(perCall: number, total = 1_000_000): { log: MessageLog; budget: BufferBudget } {
  const budget = new BufferBudget(perCall, total);
  return { log: new MessageLog(budget), budget };
}

describe('the log of a request', () => {
  it('is sent one message at a time, and its end with the last one', () => {
    const { log } = logOf(1000);
    const sink = new Sink();
    log.write({}, bytes(1));
    log.write({}, bytes(2));
    log.halfClose();
    log.attach(sink);
    expect([sink.taken, sink.closed]).toEqual([[1], false]);
    sink.write();
    expect([sink.taken, sink.closed]).toEqual([[1, 2], true]);
  });

  it('is sent again from the first message', () => {
    const { log } = logOf(1000);
    const [first, second] = [new Sink(), new Sink()];
    for (const size of [1, 2, 3]) log.write({}, bytes(size));
    log.attach(first);
    first.writeAll();
    expect(log.isWhole).toBe(true);
    log.attach(second);
    log.write({}, bytes(4));
    log.halfClose();
    second.writeAll();
    expect([first.taken, first.closed]).toEqual([[1, 2, 3], false]);
    expect([second.taken, second.closed]).toEqual([[1, 2, 3, 4], true]);
  });

  it('cannot be sent again once a message beyond the buffer has gone out', () => {
    const { log, budget } = logOf(10);
    const sink = new Sink();
    log.write({}, bytes(8));
    log.write({}, bytes(8));
    log.attach(sink);
    sink.write();
    expect(log.isWhole).toBe(true);
    sink.write();
    expect(log.isWhole).toBe(false);
    expect(budget.used).toBe(0);
  });

  it('holds its writer back beyond the buffer, until the message is out', async () => {
    const { log } = logOf(10);
    const sink = new Sink();
    const told: number[] = [];
    log.attach(sink);
    log.write({ callback: () => told.push(1) }, bytes(8));
    log.write({ callback: () => told.push(2) }, bytes(8));
    await new Promise(setImmediate);
    expect(told).toEqual([1]);
    sink.writeAll();
    expect(told).toEqual([1, 2]);
  });

  it('holds nothing once the response is the caller’s', () => {
    const { log, budget } = logOf(100);
    const sink = new Sink();
    log.attach(sink);
    log.write({}, bytes(10));
    sink.writeAll();
    expect(budget.used).toBe(10);
    log.commit();
    expect([budget.used, log.isWhole]).toEqual([0, false]);
    log.write({}, bytes(10));
    expect(budget.used).toBe(0);
    sink.writeAll();
    expect(sink.taken).toEqual([10, 10]);
  });

  it('shares the bound of its channel with other calls', () => {
    const budget = new BufferBudget(100, 150);
    const [one, another] = [new MessageLog(budget), new MessageLog(budget)];
    one.write({}, bytes(100));
    another.write({}, bytes(60));
    expect(budget.used).toBe(100);
    one.end();
    expect(budget.used).toBe(0);
  });

  it('gives everything back, and tells every writer, however calls go', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('write' as const), size: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constantFrom('attach', 'written', 'halfClose', 'commit') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { log, budget } = logOf(60, 100);
        const sizes: number[] = [];
        let sink = new Sink();
        let isHalfClosed = false;
        for (const one of steps) {
          if (one.kind === 'write' && 'size' in one) {
            if (isHalfClosed) continue;
            sizes.push(one.size);
            log.write({}, bytes(one.size));
          } else if (one.kind === 'attach' && log.isWhole) {
            sink = new Sink();
            log.attach(sink);
          } else if (one.kind === 'written') sink.write();
          else if (one.kind === 'halfClose') {
            isHalfClosed = true;
            log.halfClose();
          } else if (one.kind === 'commit') log.commit();
          expect(sink.taken).toEqual(sizes.slice(0, sink.taken.length));
          expect(budget.used).toBeLessThanOrEqual(60);
        }
        log.end();
        expect(budget.used).toBe(0);
      }),
    );
  });
});
