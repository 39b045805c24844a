import { backoffDelayMs, type Clock, type Cluster, type MeshResources, type Random, type Timer } from '@inmesh/core';
import {
  type IdentityStream,
  type IdentityStreamHandlers,
  type ReceivedSecrets,
  type ServerSecretsOptions,
  streamServerSecrets,
} from '@inmesh/xds/client';
import { NamedSecrets } from '../identity/named-secrets.js';

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'streaming'; readonly stream: IdentityStream }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

const reconnectBackoff = { baseMs: 1000, maxMs: 30_000 } as const;
/** Envoy's default of `initial_fetch_timeout`. */
const firstWaitMs = 15_000;

/** Keeps at hand the secrets that the clusters of a configuration name; none is asked for where none is named. */
export class ServerSecrets {
  readonly held = new NamedSecrets();
  #names: ReadonlySet<string> = new Set();
  #phase: Phase = { kind: 'idle' };
  #failures = 0;
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly options: Omit<ServerSecretsOptions, 'names'> & { readonly clock: Clock; readonly random: Random },
  ) {}

  /** Settles when the secrets of these clusters are there, or have not come for 15 s; at once where none is named. */
  want({ clusters }: MeshResources): Promise<void> | undefined {
    const names = secretsOf(clusters.values());
    if (!isSame(names, this.#names)) this.#ask(names);
    return this.#isComplete ? undefined : this.#arrival();
  }

  close(): void {
    this.#end();
    this.#phase = { kind: 'closed' };
    for (const go of [...this.#waiting]) go();
  }

  get #isComplete(): boolean {
    return [...this.#names].every((name) => this.held.has(name));
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        timer.cancel();
        this.#waiting.delete(go);
        resolve();
      };
      const timer = this.options.clock.setTimer(firstWaitMs, go);
      this.#waiting.add(go);
    });
  }

  #ask(names: ReadonlySet<string>): void {
    if (this.#phase.kind === 'closed') return;
    this.#names = names;
    this.held.keepOnly(names);
    this.#end();
    if (names.size > 0) this.#connect();
  }

  #end(): void {
    if (this.#phase.kind === 'streaming') this.#phase.stream.close();
    if (this.#phase.kind === 'waiting') this.#phase.timer.cancel();
    this.#phase = { kind: 'idle' };
  }

  #connect(): void {
    const handlers: IdentityStreamHandlers<ReceivedSecrets> = {
      onMessage: (read) => this.#receive(read),
      onEnd: ({ reason }) => this.#lost(reason),
    };
    const stream = streamServerSecrets({ ...this.options, names: [...this.#names] }, handlers);
    this.#phase = { kind: 'streaming', stream };
  }

  #receive(read: () => ReceivedSecrets): string | undefined {
    const problems: string[] = [];
    try {
      for (const [name, secret] of read()) {
        const problem = this.held.put(name, () => secret);
        if (problem !== undefined) problems.push(`${name}: ${problem}`);
      }
    } catch (error) {
      problems.push((error as Error).message);
    }
    this.#failures = 0;
    if (this.#isComplete) for (const go of [...this.#waiting]) go();
    if (problems.length === 0) return undefined;
    const problem = problems.join('; ');
    this.options.logger.error('secrets of the config server were not taken: the old ones stay in use', { problem });
    return problem;
  }

  #lost(reason: string): void {
    const { clock, random, logger } = this.options;
    this.#failures += 1;
    if (this.#failures === 1) logger.warn('the config server sends no secrets: those at hand stay in use', { reason });
    const delayMs = backoffDelayMs(reconnectBackoff, this.#failures, random);
    this.#phase = { kind: 'waiting', timer: clock.setTimer(delayMs, () => this.#connect()) };
  }
}

function secretsOf(clusters: Iterable<Cluster>): Set<string> {
  const names = new Set<string>();
  for (const { transport } of clusters) {
    if (transport.kind === 'plaintext') continue;
    const { certificate, trust, skipVerify } = transport.tls;
    if (certificate?.kind === 'secret') names.add(certificate.name);
    if (trust.kind === 'secret' && !skipVerify) names.add(trust.name);
  }
  return names;
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name));
}
