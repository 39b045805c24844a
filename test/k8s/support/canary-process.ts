import type { CanaryEvent } from '../../../packages/cli/src/canary/events.js';
import { Running } from '../../../packages/cli/test/support/run.js';
import { waitFor } from './wait-for.js';

type EventOf<Name extends CanaryEvent['event']> = Extract<CanaryEvent, { event: Name }> & { readonly time: string };

/** `inmesh canary reviews` as its users start it: a process that prints JSON. */
export class CanaryProcess {
  readonly #running: Running;

  constructor(...flags: string[]) {
    this.#running = new Running(['canary', 'reviews', '--output', 'json', ...flags]);
  }

  /** What it has printed, a line each. @throws for a line that is no JSON */
  get events(): readonly (CanaryEvent & { readonly time: string })[] {
    const lines = this.#running.out.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  all<Name extends CanaryEvent['event']>(name: Name): EventOf<Name>[] {
    return this.events.filter((one): one is EventOf<Name> => one.event === name);
  }

  get exit(): Promise<number | NodeJS.Signals> {
    return this.#running.exit;
  }

  /** All that it has said, for people. */
  get said(): string {
    return `${this.#running.out}${this.#running.err}`;
  }

  /** Resolves when the weights are those of this step. */
  async reaches(percent: number): Promise<void> {
    const isThere = () => this.all('step').some((step) => step.percent === percent);
    await waitFor(`a step to ${percent} %`, isThere, { bound: 60_000, log: () => this.said });
  }

  kill(): Promise<void> {
    return this.#running.close();
  }
}
