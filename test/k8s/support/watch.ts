import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { KubernetesObject } from './resource-path.js';
import { waitFor } from './wait-for.js';

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** A `Status` for ERROR. */
  readonly object: KubernetesObject;
  /** When it was read: `performance.now()`. */
  readonly at: number;
}

/** A watch as the API server streams it: one JSON event a line. */
export class Watch {
  readonly events: WatchEvent[] = [];
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.#response = response;
    // How a watch ends is for `hasEnded`.
    response.on('error', () => {});
    const lines = createInterface({ input: response }).on('error', () => {});
    lines.on('line', (line) => this.events.push({ ...JSON.parse(line), at: performance.now() }));
  }

  /** Whether the stream is over, for whatever reason. */
  get hasEnded(): boolean {
    return this.#response.closed;
  }

  /** The first event that fits, of those that came and those that are to come. @throws when none comes in 30 s */
  async find(what: string, fits: (event: WatchEvent) => boolean): Promise<WatchEvent> {
    const found = () => this.events.find(fits);
    await waitFor(what, () => found() !== undefined, { log: () => JSON.stringify(this.events.slice(-5)) });
    return found()!;
  }

  close(): void {
    this.#response.destroy();
  }
}
