import type { SourceFile } from '@inmesh/config';
import type { Clock, Random } from '@inmesh/core';
import type { Position } from '@inmesh/xds/server';
import type { ConfigState } from '../../config-state.js';
import { Debounce } from '../../debounce.js';
import type { KubernetesClient } from '../../kubernetes/client/client.js';
import type { ReflectorProblem } from '../../kubernetes/reflector/reflector-problem.js';
import type { Logger } from '../../logger.js';
import type { SourceSet, SourceSlot } from '../source-set.js';
import { ClusterObjects } from './cluster-objects.js';
import { ElectedDuties, nameIn } from './elected-duties.js';
import { type KubernetesOptions, kubernetesSettings } from './kubernetes-options.js';
import { KeptLastGood, lastGoodName } from './last-good/kept-last-good.js';
import { LastGoodKeeper } from './last-good/last-good-keeper.js';
import { StatusReport } from './status/status-report.js';

export interface KubernetesSourceTools {
  readonly client: KubernetesClient;
  /** Where the lease is by which one of several config servers writes, and the ConfigMap of what it keeps for all. */
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
  readonly #kept: KeptLastGood;
  readonly #status: StatusReport;
  readonly #keeper: LastGoodKeeper;
  readonly #elected: ElectedDuties;
  readonly #debounce: Debounce;
  /** An outage is one of all kinds, one after the other. */
  readonly #tellProblems: Debounce;
  readonly #problems = new Map<string, ReflectorProblem>();
  #files: readonly SourceFile[] = [];
  #isSynced = false;
  #endFirstLook!: () => void;

  constructor(options: KubernetesOptions, tools: KubernetesSourceTools, sources: SourceSet) {
    const settings = kubernetesSettings(options);
    this.firstLook = new Promise((resolve) => {
      this.#endFirstLook = resolve;
    });
    this.#slot = sources.join((state) => this.#judge(state));
    this.#debounce = new Debounce({ clock: tools.clock, ...debounceTimes, act: () => this.#publish() });
    this.#tellProblems = new Debounce({ clock: tools.clock, ...debounceTimes, act: () => this.#tell() });
    const onChange = () => {
      if (this.#isSynced) this.#debounce.ask();
    };
    const { timings } = options;
    this.#objects = new ClusterObjects(
      settings,
      { ...tools, timings },
      {
        onChange,
        onProblem: (kind, problem) => this.#setProblem(kind, problem),
      },
    );
    const name = { namespace: tools.namespace, name: nameIn(settings.revision, lastGoodName) };
    this.#kept = new KeptLastGood({ ...tools, timings, name, onChange });
    this.#keeper = new LastGoodKeeper({ ...tools, name, kept: this.#kept });
    this.#status = new StatusReport(this.#objects, { ...tools, ...settings });
    this.#elected = new ElectedDuties([this.#status, this.#keeper], { ...tools, ...settings });
    void Promise.all([this.#objects.synced, this.#kept.firstLook]).then(() => this.#begin());
  }

  /** How far it has followed the cluster. */
  get position(): Position {
    return this.#objects.position;
  }

  async close(): Promise<void> {
    this.#debounce.close();
    this.#tellProblems.close();
    this.#endFirstLook();
    await Promise.all([this.#elected, this.#kept, this.#objects].map((one) => one.close()));
  }

  #begin(): void {
    this.#isSynced = true;
    this.#publish();
    this.#endFirstLook();
  }

  #publish(): void {
    this.#files = this.#kept.attachTo(this.#objects.files());
    this.#slot.setFiles(this.#files);
  }

  /** Also with changes of other sources, before there is a first look at this one. */
  #judge(state: ConfigState): void {
    if (!this.#isSynced) return;
    this.#status.judge(state.issues);
    this.#keeper.judge(state, this.#files);
  }

  #setProblem(kind: string, problem: ReflectorProblem | undefined): void {
    if (problem === undefined) this.#problems.delete(kind);
    else this.#problems.set(kind, problem);
    this.#tellProblems.ask();
  }

  #tell(): void {
    const said = [...this.#problems.values()].map(({ message, hint }) => (hint ? `${message}: ${hint}` : message));
    this.#slot.setErrors(said);
    if (said.length > 0) this.#endFirstLook();
  }
}
