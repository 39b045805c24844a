import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process that answers orders one by one. */
export class Child<Order extends object | string, Word extends { readonly kind: string }> {
  readonly #process: ChildProcess;

  constructor(program: string, args: readonly string[] = [], flags: string[] = []) {
    const path = fileURLToPath(new URL(program, import.meta.url));
    this.#process = fork(path, [...args], { execArgv: flags });
  }

  order(order: Order): void {
    this.#process.send(order);
  }

  /** The next word, which has to be of this kind. */
  async word<Kind extends Word['kind']>(kind: Kind): Promise<Extract<Word, { kind: Kind }>> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const died = once(this.#process, 'exit', { signal }).then(() => {
      throw new Error(`a process ended while "${kind}" was waited for`);
    });
    died.catch(() => {}); // told by the race, or given up when the word is there
    const late = AbortSignal.timeout(180_000);
    const [word] = (await Promise.race([once(this.#process, 'message', { signal: late }), died])) as [Word];
    waiting.abort();
    if (word.kind !== kind) throw new Error(`"${word.kind}" came where "${kind}" was waited for`);
    return word as Extract<Word, { kind: Kind }>;
  }

  close(): void {
    this.#process.kill();
  }
}
