import type { SourceFile } from '@inmesh/config';
import type { Position } from '@inmesh/xds/server';
import { Debounce } from '../../debounce.js';
import { Reflector, type ReflectorOptions } from '../../kubernetes/reflector/reflector.js';
import type { ReflectorProblem } from '../../kubernetes/reflector/reflector-problem.js';
import { AnyVersion } from './any-version.js';
import { ClusterFiles } from './cluster-files.js';
import type { ClusterObject } from './cluster-object.js';
import { watchDefinitions } from './crd-watch.js';
import { keptOfConfigMap, wholeObject } from './kept-parts.js';
import type { KubernetesSettings } from './kubernetes-options.js';
import { NamedObjects, type NamedObjectsOptions } from './named-objects.js';
import { configMaps, referencedConfigMaps } from './referenced-config-maps.js';
import { referencedSecrets, secrets } from './referenced-secrets.js';
import { isInRevision } from './revision.js';
import { backendTlsPolicies, destinationRules, type WatchedKind, watchedKinds } from './watched-kinds.js';

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
  /** Resolves when all kinds are known once, and the Secrets and ConfigMaps that are named in them or why they are not. */
  readonly synced: Promise<void>;
  readonly #files = new ClusterFiles();
  readonly #reflectors: ReadonlyMap<WatchedKind, Reflector<ClusterObject>>;
  readonly #definitions: Reflector<ClusterObject>;
  readonly #looks: Debounce;
  readonly #secrets: NamedObjects;
  readonly #configMaps: NamedObjects;
  /** Whether DestinationRules may name other Secrets than those that are followed. */
  #hasNewRules = true;

  constructor(
    private readonly settings: KubernetesSettings,
    private readonly tools: ReflectorTools,
    private readonly events: ClusterObjectsEvents,
  ) {
    this.#secrets = this.#named({ type: secrets, transform: wholeObject });
    this.#configMaps = this.#named({ type: configMaps, transform: keptOfConfigMap });
    this.#reflectors = new Map(watchedKinds.map((kind) => [kind, this.#reflect(kind)]));
    const { clock } = tools;
    // A CRD changes some times until its kind is served, and CRDs come by the dozen.
    this.#looks = new Debounce({ clock, quietMs: 50, longestMs: 200, act: () => this.#lookAgain() });
    this.#definitions = watchDefinitions(tools, () => this.#looks.ask());
    this.synced = this.#firstLook();
  }

  /** With the Secrets and ConfigMaps that are named in them, as soon as those are there. */
  files(): readonly SourceFile[] {
    if (this.#hasNewRules) this.#follow();
    return [...this.#files.list(), ...this.#secrets.files(), ...this.#configMaps.files()];
  }

  /** By the path of its file, with its newest status. */
  at(path: string): ClusterObject | undefined {
    return this.#files.objectAt(path);
  }

  *of(kind: WatchedKind): Iterable<ClusterObject> {
    yield* this.#reflectors.get(kind)?.store.values() ?? [];
  }

  /** Versions of all kinds are on one scale: that of etcd. */
  get position(): Position {
    const all = [...this.#reflectors.values()].map(({ position }) => position);
    return {
      changed: Math.max(...all.map(({ changed }) => changed)),
      reached: Math.max(...all.map(({ reached }) => reached)),
    };
  }

  async close(): Promise<void> {
    this.#looks.close();
    const reflectors = [...this.#reflectors.values(), this.#definitions, this.#secrets, this.#configMaps];
    await Promise.all(reflectors.map((reflector) => reflector.close()));
  }

  async #firstLook(): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map(({ synced }) => synced));
    this.#follow();
    await Promise.all([this.#secrets.firstLook(), this.#configMaps.firstLook()]);
  }

  #follow(): void {
    this.#hasNewRules = false;
    this.#secrets.follow(referencedSecrets(this.of(destinationRules), this.settings.namespaces));
    this.#followConfigMaps();
  }

  #followConfigMaps(): void {
    this.#configMaps.follow(referencedConfigMaps(this.of(backendTlsPolicies)));
  }

  #named({ type, transform }: Pick<NamedObjectsOptions, 'type' | 'transform'>): NamedObjects {
    const { client, clock, random, timings } = this.tools;
    const { excludedNamespaces } = this.settings;
    return new NamedObjects({
      ...{ client, clock, random, timings, type, transform, excludedNamespaces },
      onChange: () => this.events.onChange(),
      onProblem: (key, problem) => this.events.onProblem(`${type.kind} ${key}`, problem),
    });
  }

  #reflect(kind: WatchedKind): Reflector<ClusterObject> {
    const { type, versions, keep, isOfMesh } = kind;
    const { revision, namespaces, excludedNamespaces } = this.settings;
    const isMine = (object: ClusterObject) => !isOfMesh || isInRevision(object, revision);
    const watched = isOfMesh && namespaces.length > 0 ? [...namespaces, rootNamespace] : namespaces;
    return new Reflector<ClusterObject>({
      ...{ ...this.tools, type, excludedNamespaces, namespaces: watched },
      client: new AnyVersion(this.tools.client, versions),
      transform: (object) => (isMine(object) ? keep(object) : undefined),
      onChange: (batch) => {
        if (!this.#files.apply(batch)) return;
        if (kind === destinationRules) this.#hasNewRules = true;
        // At once, so that they are there when it is published.
        if (kind === backendTlsPolicies) this.#followConfigMaps();
        this.events.onChange();
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
