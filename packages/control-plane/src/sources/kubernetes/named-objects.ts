import type { SourceFile } from '@inmesh/config';
import { Reflector, type ReflectorOptions } from '../../kubernetes/reflector/reflector.js';
import type { ReflectorProblem } from '../../kubernetes/reflector/reflector-problem.js';
import { ClusterFiles } from './cluster-files.js';
import type { ClusterObject } from './cluster-object.js';

export interface NamedObjectsOptions
  extends Pick<ReflectorOptions<ClusterObject>, 'client' | 'clock' | 'random' | 'type' | 'transform' | 'timings'> {
  readonly excludedNamespaces: readonly string[];
  readonly onChange: () => void;
  readonly onProblem: (key: string, problem: ReflectorProblem | undefined) => void;
}

/** Where an object of a name is looked for; no namespaces: in all of them. */
export interface NamedObject {
  readonly name: string;
  readonly namespaces: readonly string[];
}

/** Objects that others name, and no others of their kind: each name is asked for by itself. */
export class NamedObjects {
  readonly #files = new ClusterFiles();
  readonly #reflectors = new Map<string, Reflector<ClusterObject>>();
  /** By key, when it is known once, or known why it is not. */
  readonly #looks = new Map<string, Promise<void>>();
  readonly #ending = new Set<Promise<void>>();

  constructor(private readonly options: NamedObjectsOptions) {}

  files(): readonly SourceFile[] {
    return this.#files.list();
  }

  /** Follows these, and forgets all others. */
  follow(wanted: ReadonlyMap<string, NamedObject>): void {
    for (const [key, named] of wanted) if (!this.#reflectors.has(key)) this.#reflect(key, named);
    for (const [key, reflector] of this.#reflectors) if (!wanted.has(key)) this.#forget(key, reflector);
  }

  async close(): Promise<void> {
    for (const [key, reflector] of this.#reflectors) this.#forget(key, reflector);
    await Promise.all(this.#ending);
  }

  /** Resolves when each of those that are followed now has been looked at once, well or badly. */
  async firstLook(): Promise<void> {
    await Promise.all(this.#looks.values());
  }

  #reflect(key: string, { name, namespaces }: NamedObject): void {
    const { onChange, onProblem, ...tools } = this.options;
    let looked!: () => void;
    const look = new Promise<void>((resolve) => {
      looked = resolve;
    });
    this.#looks.set(key, look);
    const reflector = new Reflector<ClusterObject>({
      ...{ ...tools, namespaces, fieldSelector: `metadata.name=${name}` },
      onChange: (batch) => {
        if (this.#files.apply(batch)) onChange();
      },
      onProblem: (problem) => {
        onProblem(key, problem);
        looked();
      },
    });
    void reflector.synced.then(looked);
    this.#reflectors.set(key, reflector);
  }

  #forget(key: string, reflector: Reflector<ClusterObject>): void {
    this.#reflectors.delete(key);
    this.#looks.delete(key);
    this.#files.apply({ changed: [], removed: [...reflector.store.values()] });
    this.options.onProblem(key, undefined);
    const ended = reflector.close().then(() => void this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
