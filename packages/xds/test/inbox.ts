/** What arrives, in order; whoever asks for the next one waits until it is there. */
export class Inbox<Item> {
  readonly #items: Item[] = [];
  readonly #waiting: ((item: Item) => void)[] = [];

  put(item: Item): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<Item> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Skips until one fits. */
  async nextThat(fits: (item: Item) => boolean): Promise<Item> {
    for (;;) {
      const item = await this.next();
      if (fits(item)) return item;
    }
  }
}
