import type { Clock, Random } from '@inmesh/core';
import type { ConfigState } from '../../config-state.js';
import { Debounce } from '../../debounce.js';
import type { KubernetesClient } from '../../kubernetes/client/client.js';
import type { ReflectorProblem } from '../../kubernetes/reflector/reflector-problem.js';
import type { Logger } from '../../logger.js';
import type { SourceSet, SourceSlot } from '../source-set.js';
import { ClusterObjects } from './cluster-objects.js';
import { type KubernetesOptions, kubernetesSettings } from './kubernetes-options.js';
import { StatusReport } from './status/status-report.js';

export interface KubernetesSourceTools {
  readonly client: KubernetesClient;
  /** Where the lease is by which one of several config servers writes into the status of objects. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A change is on its way to clients some 100 ms later; while changes go on without a pause, twice in a second. */
const debounceTimes = { quietMs: 100, longestMs: 500 } as const;

/** Publishes the objects of a cluster: from when all kinds are known, and with every change. */
export class KubernetesSource {
  /** Settles when all kinds are known, or when it is known why one is not. */
  readonly firstLook: Promise<void>;
  readonly #slot: SourceSlot;
  readonly #objects: ClusterObjects;
  readonly #status: StatusReport;
  readonly #debounce: Debounce;
  readonly #problems = new Map<string, ReflectorProblem>();
  #isSynced = false;
  #endFirstLook!: () => void;

  constructor(options: KubernetesOptions, tools: KubernetesSourceTools, sources: SourceSet) {
    const settings = kubernetesSettings(options);
    this.firstLook = new Promise((resolve) => {
      this.#endFirstLook = resolve;
    });
    this.#slot = sources.join((state) => this.#judge(state));
    this.#debounce = new Debounce({ clock: tools.clock, ...debounceTimes, act: () => this.#publish() });
    this.#objects = new ClusterObjects(
      settings,
      { ...tools, timings: options.timings },
      {
        onChange: () => {
          if (this.#isSynced) this.#debounce.ask();
        },
        onProblem: (kind, problem) => this.#setProblem(kind, problem),
      },
    );
    this.#status = new StatusReport(this.#objects, { ...tools, ...settings });
    void this.#objects.synced.then(() => this.#begin());
  }

  async close(): Promise<void> {
    this.#debounce.close();
    this.#endFirstLook();
    await this.#status.close();
    await this.#objects.close();
  }

  #begin(): void {
    this.#isSynced = true;
    this.#publish();
    this.#endFirstLook();
  }

  #publish(): void {
    this.#slot.setFiles(this.#objects.files());
  }

  /** Also with changes of other sources, before there is a first look at this one. */
  #judge({ issues }: ConfigState): void {
    if (this.#isSynced) this.#status.judge(issues);
  }

  #setProblem(kind: string, problem: ReflectorProblem | undefined): void {
    if (problem === undefined) this.#problems.delete(kind);
    else this.#problems.set(kind, problem);
    const said = [...this.#problems.values()].map(({ message, hint }) => (hint ? `${message}: ${hint}` : message));
    this.#slot.setError(said.length === 0 ? undefined : said.join('; '));
    if (problem !== undefined) this.#endFirstLook();
  }
}
