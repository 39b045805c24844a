import type { Settings } from '../../options.js';
import type { ObjectsByKind, ReadObject } from '../../read-objects.js';
import type { MutualTlsMode, PeerAuthentication } from '../../schema/peer-authentication.js';
import type { Labels } from '../workloads.js';
import { selectorOf } from './selected.js';

type Source = ReadObject<PeerAuthentication>;

export type PeerMode = Exclude<MutualTlsMode, 'UNSET'>;

/** What a workload takes. */
export interface WorkloadModes {
  readonly mode: PeerMode;
  /** Ports of the workload that differ, by number. */
  readonly ports: ReadonlyMap<number, PeerMode>;
  /** Whether any policy is for it. */
  readonly isGiven: boolean;
}

/** A workload that policies are compared with; a `Client` is one. */
export interface Workload {
  isIn(namespace: string): boolean;
  hasLabels(labels: Labels): boolean;
}

/** PeerAuthentications of the mesh, of namespaces and of workloads: the nearest that says something counts. */
export class PeerModes {
  readonly #ofMesh: Source | undefined;
  readonly #ofNamespaces: readonly Source[];
  readonly #ofWorkloads: readonly Source[];

  constructor(policies: ObjectsByKind['PeerAuthentication'], { rootNamespace }: Settings) {
    const isSelecting = (policy: Source) => Object.keys(selectorOf(policy)).length > 0;
    const forAll = withoutTwins(policies.filter((policy) => !isSelecting(policy)));
    this.#ofMesh = forAll.find(({ namespace }) => namespace === rootNamespace);
    this.#ofNamespaces = forAll.filter((policy) => policy !== this.#ofMesh);
    const selecting = policies.filter(isSelecting);
    this.#ofWorkloads = withoutTwins(selecting.filter(({ namespace }) => namespace !== rootNamespace));
    for (const policy of policies) checkPorts(policy);
    for (const policy of selecting.filter(({ namespace }) => namespace === rootNamespace)) sayUnused(policy);
  }

  /** Asks all, whatever the first answer is: the oldest of each level counts (istiod, `ComposePeerAuthentication`). */
  of(workload: Workload): WorkloadModes {
    const isFor = (policy: Source) => {
      const isNear = workload.isIn(policy.namespace);
      return workload.hasLabels(selectorOf(policy)) && isNear;
    };
    const ofNamespace = this.#ofNamespaces.filter(isFor)[0];
    const [ofWorkload, ...others] = this.#ofWorkloads.filter(isFor);
    for (const other of others) saySecond(other, ofWorkload!);
    const levels = [ofWorkload, ofNamespace, this.#ofMesh];
    const mode = levels.map((policy) => given(policy?.body.spec?.mtls?.mode)).find(isMode) ?? 'PERMISSIVE';
    const ports = Object.entries(ofWorkload?.body.spec?.portLevelMtls ?? {}).map(
      ([port, settings]): [number, PeerMode] => [Number(port), given(settings.mode) ?? mode],
    );
    return { mode, ports: new Map(ports), isGiven: levels.some((policy) => policy !== undefined) };
  }
}

function given(mode: MutualTlsMode | undefined): PeerMode | undefined {
  return mode === 'UNSET' ? undefined : mode;
}

function isMode(mode: PeerMode | undefined): mode is PeerMode {
  return mode !== undefined;
}

/** The older of two policies for the same counts. */
function withoutTwins(policies: readonly Source[]): readonly Source[] {
  const known = new Map<string, Source>();
  for (const policy of policies) {
    const labels = Object.entries(selectorOf(policy)).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify([policy.namespace, labels]);
    const older = known.get(key);
    if (older === undefined) known.set(key, policy);
    else saySecond(policy, older);
  }
  return [...known.values()];
}

function saySecond({ place }: Source, older: Source): void {
  place.warn(`${older.place.reference} is for the same workloads and older: not used for them`, 'join the two');
}

function checkPorts(policy: Source): void {
  if (policy.body.spec?.portLevelMtls === undefined || Object.keys(selectorOf(policy)).length > 0) return;
  policy.place
    .at('spec', 'portLevelMtls')
    .error('needs a selector: a port is one of a workload', 'add selector.matchLabels, or use mtls');
}

function sayUnused({ place, namespace }: Source): void {
  place
    .at('spec', 'selector')
    .warn(`in ${namespace}, where policies are for the whole mesh, none is for some workloads: not used`);
}
