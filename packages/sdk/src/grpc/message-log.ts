import type { MessageContext } from './grpc-js.js';

/** What the calls of one channel may hold of their requests, in bytes. */
export class BufferBudget {
  #used = 0;

  constructor(
    readonly perCall: number,
    private readonly total: number,
  ) {}

  get used(): number {
    return this.#used;
  }

  tryTake(bytes: number, heldByCall: number): boolean {
    if (heldByCall + bytes > this.perCall || this.#used + bytes > this.total) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Where an attempt sends a request. */
export interface MessageSink {
  sendMessageWithContext(context: MessageContext, message: Buffer): void;
  halfClose(): void;
}

interface Entry {
  readonly message: Buffer;
  readonly size: number;
  readonly flags: number | undefined;
  /** Whether it counts in the budget, and so may be kept to be sent again. */
  readonly kept: boolean;
  /** The caller's, who writes no more until it is called; undefined once it was. */
  written: (() => void) | undefined;
}

/**
 * The messages of one request, in order. An attempt reads it from the first message; what went out stays until the call is
 * committed, as far as the budget reaches. A message beyond it is taken all the same, goes out to one attempt, and ends
 * the replays.
 */
export class MessageLog {
  /** The bytes of a message were handed to a connection. */
  onMessageSent: (() => void) | undefined;
  readonly #entries: Entry[] = [];
  /** How many messages are no longer here. */
  #dropped = 0;
  #keptBytes = 0;
  #halfClosed = false;
  #committed = false;
  #over = false;
  #reader: LogReader | undefined;

  constructor(
    private readonly budget: BufferBudget,
    private readonly sizeOf: (message: Buffer) => number = byteLength,
  ) {}

  /** Whether a new attempt could send the request from its first message. */
  get isWhole(): boolean {
    return this.#dropped === 0 && !this.#committed;
  }

  get isHalfClosed(): boolean {
    return this.#halfClosed;
  }

  /** How many messages have come so far. */
  get count(): number {
    return this.#dropped + this.#entries.length;
  }

  write({ callback, flags }: MessageContext, message: Buffer): void {
    if (this.#over) {
      if (callback !== undefined) process.nextTick(callback);
      return;
    }
    const size = this.#committed ? 0 : this.sizeOf(message);
    const kept = !this.#committed && this.budget.tryTake(size, this.#keptBytes);
    if (kept) this.#keptBytes += size;
    this.#entries.push({ message, size, flags, kept, written: kept ? undefined : callback });
    // Later, as a stream's `write` must have returned before it is told.
    if (kept && callback !== undefined) process.nextTick(callback);
    this.#reader?.pump();
  }

  halfClose(): void {
    this.#halfClosed = true;
    this.#reader?.pump();
  }

  /** The same request for a call beside this one; only of a request that is complete. It shares the bytes, and holds none. */
  copy(): MessageLog {
    const log = new MessageLog(new BufferBudget(0, 0));
    for (const { message, flags } of this.#entries) log.write({ flags }, message);
    log.halfClose();
    return log;
  }

  /** Sends all there is, and what comes later, to an attempt. One attempt reads at a time: the one before gets no more. */
  attach(sink: MessageSink): void {
    this.#reader = new LogReader(this, sink);
    this.#reader.pump();
  }

  /** The response is the caller's: nothing will be sent again. */
  commit(): void {
    this.#committed = true;
    this.#drop(this.#reader?.sent ?? 0);
  }

  /** The call is over, in whatever way. */
  end(): void {
    this.#over = true;
    this.#reader = undefined;
    this.#drop(this.count);
  }

  entryAt(index: number): Entry | undefined {
    return this.#entries[index - this.#dropped];
  }

  onSent(reader: LogReader, entry: Entry): void {
    if (reader !== this.#reader) return;
    this.onMessageSent?.();
    if (this.#committed || !entry.kept) this.#drop(reader.sent);
    reader.pump();
  }

  isReading(reader: LogReader): boolean {
    return reader === this.#reader;
  }

  #drop(upTo: number): void {
    while (this.#dropped < upTo && this.#entries.length > 0) {
      const entry = this.#entries.shift()!;
      this.#dropped += 1;
      if (entry.kept) this.#keptBytes -= entry.size;
      if (entry.kept) this.budget.give(entry.size);
      entry.written?.();
    }
  }
}

/** One attempt's place in the log. It sends one message at a time: grpc-js keeps but one while it connects. */
class LogReader {
  sent = 0;
  #busy = false;
  #closed = false;

  constructor(
    private readonly log: MessageLog,
    private readonly sink: MessageSink,
  ) {}

  pump(): void {
    if (this.#busy || this.#closed || !this.log.isReading(this)) return;
    const entry = this.log.entryAt(this.sent);
    if (entry !== undefined) this.#send(entry);
    if (this.log.isHalfClosed && this.#isLast()) {
      this.#closed = true;
      this.sink.halfClose();
    }
  }

  /** grpc-js takes the end of the request right after its last message, and sends both in one go. */
  #isLast(): boolean {
    return this.sent + (this.#busy ? 1 : 0) === this.log.count;
  }

  #send(entry: Entry): void {
    this.#busy = true;
    const callback = () => {
      this.#busy = false;
      this.sent += 1;
      this.log.onSent(this, entry);
    };
    this.sink.sendMessageWithContext({ callback, flags: entry.flags }, entry.message);
  }
}

function byteLength({ length }: Buffer): number {
  return length;
}
