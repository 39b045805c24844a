const maxBehindBytes = 1024 * 1024;

type Chunk = string | Uint8Array;

type State =
  | { readonly kind: 'open' }
  /** All of the body has been sent. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'abandoned'; readonly reason: Error };

/**
 * Copies of a request body that can be read once: they get each chunk when the request itself has sent it, which never
 * waits for them. A copy that falls more than 1 MiB behind is abandoned.
 */
export class BodyTap {
  readonly #copies = new Set<BodyCopy>();

  copy(): AsyncIterable<Chunk> {
    const copy = new BodyCopy(() => this.#copies.delete(copy));
    this.#copies.add(copy);
    return copy;
  }

  write(chunk: Chunk): void {
    for (const copy of this.#copies) copy.push(chunk);
  }

  end(): void {
    for (const copy of this.#copies) copy.close({ kind: 'ended' });
  }

  /** The request is over; what it has not sent by now it never will. */
  abandon(): void {
    const reason = new Error('the request that was mirrored ended before its body');
    for (const copy of this.#copies) copy.close({ kind: 'abandoned', reason });
  }
}

class BodyCopy implements AsyncIterable<Chunk> {
  #state: State = { kind: 'open' };
  #waiting: Chunk[] = [];
  #behindBytes = 0;
  #wake: (() => void) | undefined;

  constructor(private readonly leave: () => void) {}

  push(chunk: Chunk): void {
    this.#behindBytes += Buffer.byteLength(chunk);
    if (this.#behindBytes > maxBehindBytes) {
      this.#waiting = [];
      this.close({ kind: 'abandoned', reason: new Error('a mirror fell too far behind') });
      return;
    }
    this.#waiting.push(chunk);
    this.#wake?.();
  }

  close(state: State): void {
    this.leave();
    this.#state = state;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk> {
    try {
      for (;;) {
        const chunk = this.#waiting.shift();
        if (chunk !== undefined) {
          this.#behindBytes -= Buffer.byteLength(chunk);
          yield chunk;
        } else if (this.#state.kind === 'open') {
          await this.#more();
        } else if (this.#state.kind === 'abandoned') {
          throw this.#state.reason;
        } else return;
      }
    } finally {
      this.leave();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
