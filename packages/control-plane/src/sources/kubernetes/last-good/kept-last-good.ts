import type { SourceFile } from '@inmesh/config';
import type { Clock, Random } from '@inmesh/core';
import type { KubernetesClient } from '../../../kubernetes/client/client.js';
import type { KubernetesObject, ObjectName } from '../../../kubernetes/client/objects.js';
import { Reflector } from '../../../kubernetes/reflector/reflector.js';
import type { ReflectorProblem } from '../../../kubernetes/reflector/reflector-problem.js';
import type { ReflectorTimings } from '../../../kubernetes/reflector/reflector-timings.js';
import type { Logger } from '../../../logger.js';
import type { ClusterObject } from '../cluster-object.js';
import { configMaps } from '../referenced-config-maps.js';
import { type KeptEntry, unpackEntry } from './kept-entry.js';

/** The ConfigMap; that of another revision than the default one ends in its name. */
export const lastGoodName = 'inmesh-last-good';

/** By the uid of the object, each compressed by itself. */
export interface LastGoodMap extends KubernetesObject {
  readonly binaryData?: Readonly<Record<string, string>> | undefined;
}

export interface KeptLastGoodOptions {
  readonly client: Pick<KubernetesClient, 'list' | 'watch' | 'serves'>;
  readonly name: Required<ObjectName>;
  readonly clock: Clock;
  readonly random: Random;
  readonly timings?: Partial<ReflectorTimings> | undefined;
  readonly logger: Logger;
  readonly onChange: () => void;
}

/** Who begins waits for it no longer, in ms. */
const patienceMs = 10_000;

/**
 * What one config server has kept for all of them, so that which last good content is used follows from the cluster and not
 * from what each has happened to see.
 */
export class KeptLastGood {
  /** Resolves when it is known, or known why it is not, in 10 s at the latest. */
  readonly firstLook: Promise<void>;
  readonly #reflector: Reflector<LastGoodMap>;
  #isKnown = false;
  #entries: ReadonlyMap<string, KeptEntry> = new Map();
  /** The same file for the same file and entry: what is made of it is remembered by it. */
  #joined = new WeakMap<SourceFile, { readonly entry: KeptEntry; readonly file: SourceFile }>();
  #endFirstLook!: () => void;

  constructor(private readonly options: KeptLastGoodOptions) {
    const { client, clock, random, timings, name, onChange } = options;
    this.firstLook = new Promise((resolve) => {
      this.#endFirstLook = resolve;
    });
    const timer = clock.setTimer(patienceMs, () => this.#say('there was no answer in 10 s'));
    void this.firstLook.then(() => timer.cancel());
    this.#reflector = new Reflector<LastGoodMap>({
      ...{ client, clock, random, timings, type: configMaps, namespaces: [name.namespace] },
      fieldSelector: `metadata.name=${name.name}`,
      onChange: () => {
        this.#read();
        onChange();
      },
      onProblem: (problem) => problem && this.#say(described(problem)),
    });
    void this.#reflector.synced.then(() => {
      this.#isKnown = true;
      this.#endFirstLook();
      onChange();
    });
  }

  /** Whether the ConfigMap has been looked for with success. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Undefined: there is none. */
  get map(): LastGoodMap | undefined {
    const [map] = this.#reflector.store.values();
    return map;
  }

  /** By the uid of the object. */
  get entries(): ReadonlyMap<string, KeptEntry> {
    return this.#entries;
  }

  /** The files with what is kept of them. */
  attachTo(files: readonly SourceFile[]): readonly SourceFile[] {
    if (this.#entries.size === 0) return files;
    return files.map((file) => {
      const entry = this.#entries.get(uidOf(file) ?? '');
      return entry?.file.path === file.path ? this.#join(file, entry) : file;
    });
  }

  async close(): Promise<void> {
    this.#endFirstLook();
    await this.#reflector.close();
  }

  #join(file: SourceFile, entry: KeptEntry): SourceFile {
    const known = this.#joined.get(file);
    if (known?.entry === entry) return known.file;
    const lastGood = { file: entry.file, isDecided: entry.brokenText === file.text };
    const joined = { entry, file: { ...file, lastGood } };
    this.#joined.set(file, joined);
    return joined.file;
  }

  #read(): void {
    const entries = new Map<string, KeptEntry>();
    const unread: string[] = [];
    for (const [uid, packed] of Object.entries(this.map?.binaryData ?? {})) {
      const known = this.#entries.get(uid);
      const entry = known?.packed === packed ? known : unpackEntry(uid, packed);
      if (entry === undefined) unread.push(uid);
      else entries.set(uid, entry);
    }
    this.#entries = entries;
    if (unread.length > 0) this.options.logger.warn(`${this.#place} holds what cannot be used`, { keys: unread });
  }

  #say(problem: string): void {
    this.options.logger.warn(`${this.#place}, with the last good content of broken objects, is not known: ${problem}`);
    this.#endFirstLook();
  }

  get #place(): string {
    const { namespace, name } = this.options.name;
    return `the ConfigMap ${namespace}/${name}`;
  }
}

function described({ message, hint }: ReflectorProblem): string {
  return hint === undefined ? message : `${message}: ${hint}`;
}

function uidOf({ object }: SourceFile): string | undefined {
  return (object as ClusterObject | undefined)?.metadata.uid;
}
