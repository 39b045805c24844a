import { backoffDelayMs, type Clock, emptyResources, type MeshResources, type Random, type Timer } from '@inmesh/core';
import type { SecretSource } from '../identity/tls-material.js';
import type { Logger } from '../logger.js';
import type { MeshTelemetry } from '../telemetry/plugin.js';
import type { Resolution } from './dns/index.js';
import type { ConfigSource } from './source.js';

export interface InClusterOptions {
  /** The config server's well-known name. */
  readonly host: string;
  /** What DNS has said of it so far. */
  readonly found: Resolution;
  /** The config server itself; started once it may be there. */
  readonly server: ConfigSource;
  /** Whether there was one before, of which a copy may tell: then that DNS has no such name opens nothing. */
  readonly keepsCopy: boolean;
  readonly resolver: { resolveName(hostname: string): Promise<Resolution> };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** `settled`: there is a name, or there was an answer of the server, so DNS is not asked any more. */
type Phase = 'asking' | 'absent' | 'settled';

/** Uniform in [0, 1 s), [0, 3 s), [0, 7 s) ... [0, 30 s). */
const askAgain = { baseMs: 1000, maxMs: 30_000 } as const;

/**
 * The config server of the cluster, which nobody has named: whether there is one, DNS has to say. While DNS fails it counts as
 * one that is away. Only where DNS says that there is no such name calls go where DNS leads, until there is one.
 */
export class InClusterSource implements ConfigSource {
  readonly description: string;
  readonly telemetry: MeshTelemetry | undefined;
  readonly secrets: SecretSource | undefined;
  #phase: Phase = 'asking';
  #isStarted = false;
  #asked = 0;
  #timer: Timer | undefined;
  #deliver: ((resources: MeshResources) => Promise<void>) | undefined;

  constructor(private readonly options: InClusterOptions) {
    const { description, telemetry, secrets } = options.server;
    this.description = description;
    this.telemetry = telemetry;
    this.secrets = secrets;
  }

  get server(): string | undefined {
    return this.options.server.server;
  }

  get problem(): string | undefined {
    return this.#phase === 'absent' ? this.#absence : this.options.server.problem;
  }

  start(deliver: (resources: MeshResources) => Promise<void>): void {
    this.#deliver = deliver;
    this.#learn(this.options.found);
  }

  async close(): Promise<void> {
    this.#settle();
    await this.options.server.close();
  }

  #settle(): void {
    this.#phase = 'settled';
    this.#timer?.cancel();
  }

  #learn(found: Resolution): void {
    if (found.kind === 'addresses') this.#settle();
    else this.#askAgain();
    if (found.kind === 'notFound' && !this.options.keepsCopy) this.#goWithout();
    else if (this.#phase !== 'absent') this.#startServer();
  }

  #askAgain(): void {
    const { clock, random, resolver, host } = this.options;
    this.#asked += 1;
    this.#timer = clock.setTimer(backoffDelayMs(askAgain, this.#asked, random), async () => {
      const found = await resolver.resolveName(host);
      if (this.#phase !== 'settled') this.#learn(found);
    });
  }

  #startServer(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.options.server.start((resources) => {
      this.#settle();
      return this.#deliver!(resources);
    });
  }

  /** What is in use then stays so until the server has spoken: to install one cuts nobody off. */
  #goWithout(): void {
    if (this.#phase === 'absent') return;
    this.#phase = 'absent';
    this.options.logger.warn(this.#absence);
    // Also seen by those who gave no logger: nothing of zero trust holds.
    process.emitWarning(this.#absence, 'InmeshWarning');
    void this.#deliver!(emptyResources);
  }

  get #absence(): string {
    return (
      `there is no config server in this cluster: DNS has no ${this.options.host}; calls go where DNS leads, and incoming ` +
      'are let in without any policy, until there is one'
    );
  }
}
