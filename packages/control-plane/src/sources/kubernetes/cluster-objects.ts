import type { SourceFile } from '@inmesh/config';
import { Debounce } from '../../debounce.js';
import { Reflector, type ReflectorOptions } from '../../kubernetes/reflector/reflector.js';
import type { ReflectorProblem } from '../../kubernetes/reflector/reflector-problem.js';
import { AnyVersion } from './any-version.js';
import { ClusterFiles } from './cluster-files.js';
import type { ClusterObject } from './cluster-object.js';
import { watchDefinitions } from './crd-watch.js';
import type { KubernetesSettings } from './kubernetes-options.js';
import { ReferencedSecrets } from './referenced-secrets.js';
import { isInRevision } from './revision.js';
import { destinationRules, type WatchedKind, watchedKinds } from './watched-kinds.js';

export type ReflectorTools = Pick<ReflectorOptions<ClusterObject>, 'client' | 'clock' | 'random' | 'timings'>;

export interface ClusterObjectsEvents {
  /** Something is different that means something. */
  readonly onChange: () => void;
  /** Why objects of a kind are not known, or not as they are now; undefined: they are. */
  readonly onProblem: (kind: string, problem: ReflectorProblem | undefined) => void;
}

/** Istio's; what stands there is for the whole mesh. */
const rootNamespace = 'istio-system';

/** The objects of all kinds that the mesh is made of, as files, kept as they are in the cluster. */
export class ClusterObjects {
  /** Resolves when all kinds are known once, and the Secrets that are named in them or why they are not. */
  readonly synced: Promise<void>;
  readonly #files = new ClusterFiles();
  readonly #reflectors: ReadonlyMap<WatchedKind, Reflector<ClusterObject>>;
  readonly #definitions: Reflector<ClusterObject>;
  readonly #looks: Debounce;
  readonly #secrets: ReferencedSecrets;

  constructor(
    private readonly settings: KubernetesSettings,
    private readonly tools: ReflectorTools,
    private readonly events: ClusterObjectsEvents,
  ) {
    this.#reflectors = new Map(watchedKinds.map((kind) => [kind, this.#reflect(kind)]));
    const { clock } = tools;
    // A CRD changes some times until its kind is served, and CRDs come by the dozen.
    this.#looks = new Debounce({ clock, quietMs: 50, longestMs: 200, act: () => this.#lookAgain() });
    this.#definitions = watchDefinitions(tools, () => this.#looks.ask());
    const { onChange, onProblem } = events;
    const { namespaces, excludedNamespaces } = settings;
    const { client, random, timings } = tools;
    this.#secrets = new ReferencedSecrets({
      ...{ client, clock, random, timings, namespaces, excludedNamespaces, onChange },
      onProblem: (name, problem) => onProblem(`Secret ${name}`, problem),
    });
    this.synced = this.#firstLook();
  }

  /** With the Secrets that are named in them, as soon as those are there. */
  files(): readonly SourceFile[] {
    this.#secrets.follow(this.of(destinationRules));
    return [...this.#files.list(), ...this.#secrets.files()];
  }

  /** By the path of its file, with its newest status. */
  at(path: string): ClusterObject | undefined {
    return this.#files.objectAt(path);
  }

  *of(kind: WatchedKind): Iterable<ClusterObject> {
    yield* this.#reflectors.get(kind)?.store.values() ?? [];
  }

  async close(): Promise<void> {
    this.#looks.close();
    const reflectors = [...this.#reflectors.values(), this.#definitions, this.#secrets];
    await Promise.all(reflectors.map((reflector) => reflector.close()));
  }

  async #firstLook(): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map(({ synced }) => synced));
    this.#secrets.follow(this.of(destinationRules));
    await this.#secrets.firstLook();
  }

  #reflect({ type, versions, keep, isOfMesh }: WatchedKind): Reflector<ClusterObject> {
    const { revision, namespaces, excludedNamespaces } = this.settings;
    const isMine = (object: ClusterObject) => !isOfMesh || isInRevision(object, revision);
    const watched = isOfMesh && namespaces.length > 0 ? [...namespaces, rootNamespace] : namespaces;
    return new Reflector<ClusterObject>({
      ...{ ...this.tools, type, excludedNamespaces, namespaces: watched },
      client: new AnyVersion(this.tools.client, versions),
      transform: (object) => (isMine(object) ? keep(object) : undefined),
      onChange: (batch) => {
        if (this.#files.apply(batch)) this.events.onChange();
      },
      onProblem: (problem) => this.events.onProblem(type.kind, problem),
    });
  }

  /** Those who wait for their kind to come. */
  #lookAgain(): void {
    for (const reflector of this.#reflectors.values()) {
      if (reflector.states.some((state) => state.kind === 'waiting' && state.next.kind !== 'watching'))
        reflector.hurry();
    }
  }
}
