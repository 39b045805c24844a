/** What has been opened, to be closed in the opposite order: at the end, or where a start fails half-way. */
export class Closers {
  readonly #closers: (() => void | Promise<void>)[] = [];
  #closed: Promise<void> | undefined;

  /** What comes when all is closed already is closed at once. */
  add(close: () => void | Promise<void>): void {
    if (this.#closed === undefined) this.#closers.push(close);
    else this.#closed = this.#closed.then(close);
  }

  /** Closes once, however often it is called. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }
}
