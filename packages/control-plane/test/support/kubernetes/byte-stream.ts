/** A body that is written under way, and that can be cut or fall silent. */
export class ByteStream implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  #end: 'open' | 'ended' | Error = 'open';
  #isSilent = false;
  #wake = () => {};

  write(text: string): void {
    if (this.#isSilent || this.#end !== 'open') return;
    this.#pieces.push(new TextEncoder().encode(text));
    this.#wake();
  }

  get isOpen(): boolean {
    return this.#end === 'open';
  }

  end(): void {
    this.#finish('ended');
  }

  cut(): void {
    this.#finish(new Error('other side closed'));
  }

  abort(): void {
    this.#isSilent = false;
    this.#finish(new Error('This operation was aborted'));
  }

  /** As behind a firewall that has forgotten the connection. */
  silence(): void {
    this.#isSilent = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) yield piece;
        if (this.#end instanceof Error) throw this.#end;
        if (this.#end === 'ended') return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#end = this.#end === 'open' ? 'ended' : this.#end;
    }
  }

  #finish(end: 'ended' | Error): void {
    if (this.#end !== 'open' || this.#isSilent) return;
    this.#end = end;
    this.#wake();
  }
}

export async function* onePiece(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
