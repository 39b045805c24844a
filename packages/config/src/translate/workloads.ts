import { type Memory, sameItems } from '../memory.js';
import { isRecord } from '../objects.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';

export type Labels = Readonly<Record<string, string>>;

/** What is known of a Pod, or of another workload. */
export interface Workload {
  readonly labels: Labels;
  /** «name;namespace;canonical name;revision;cluster». */
  readonly description: string;
  readonly identity: WorkloadIdentity | undefined;
}

/** Whose certificate it shows. */
export interface WorkloadIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

type Pod = ObjectsByKind['Pod'][number];

interface PodAtAddress {
  readonly workload: Workload;
  readonly namespace: string;
  readonly address: string;
}

/** Pods by their name and by their address. */
export class PodIndex {
  readonly #byName = new Map<string, Workload>();
  readonly #byAddress = new Map<string, Workload>();
  readonly #pods: PodAtAddress[] = [];

  constructor(
    pods: readonly Pod[],
    private readonly memory: Memory,
  ) {
    for (const pod of pods) {
      const workload = memory.recall(pod, 'workload', [], () => describePod(pod));
      this.#byName.set(`${pod.namespace}/${pod.name}`, workload);
      for (const address of addressesOf(pod)) this.#byAddress.set(address, workload);
      const placed = memory.recall(pod, 'placed', [], () => placedPod(pod, workload));
      if (placed !== undefined) this.#pods.push(placed);
    }
  }

  named(namespace: string, name: string): Workload | undefined {
    return this.memory.ask('pods', (pods) => pods.#byName.get(`${namespace}/${name}`));
  }

  at(address: string): Workload | undefined {
    return this.memory.ask('pods', (pods) => pods.#byAddress.get(address));
  }

  /** Pods with an address that have all of these labels. */
  selected(namespace: string, selector: Labels): readonly PodAtAddress[] {
    return this.memory.ask('pods', (pods) => pods.#selected(namespace, selector), sameItems);
  }

  #selected(namespace: string, selector: Labels): readonly PodAtAddress[] {
    return this.#pods.filter((pod) => pod.namespace === namespace && hasLabels(pod.workload.labels, selector));
  }
}

/** An empty selector selects all. */
export function hasLabels(labels: Labels, selector: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/**
 * Names after Istio's canonical service and revision (Istio «canonical-name» and «canonical-revision» labels, then the
 * recommended labels of Kubernetes).
 */
export function describeWorkload(name: string, namespace: string, labels: Labels): string {
  const canonicalName =
    labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? name;
  const revision =
    labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version ?? 'latest';
  return [name, namespace, canonicalName, revision, 'Kubernetes'].join(';');
}

function describePod(pod: Pod): Workload {
  const labels = pod.metadata.labels ?? {};
  const description = describeWorkload(workloadNameOf(pod), pod.namespace, labels);
  return { labels, description, identity: identityOfPod(pod) };
}

/** A Pod that names no service account has its namespace's default one. */
function identityOfPod({ namespace, body: { spec } }: Pod): WorkloadIdentity | undefined {
  if (!isRecord(spec)) return undefined;
  const { serviceAccountName } = spec;
  const isNamed = typeof serviceAccountName === 'string' && serviceAccountName !== '';
  return { namespace, serviceAccount: isNamed ? serviceAccountName : 'default' };
}

/** The name of what made the Pod: a ReplicaSet is made by a Deployment, whose name it carries before its hash. */
function workloadNameOf({ name, metadata }: ReadObject<unknown>): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner?.name === undefined) return metadata.labels?.app ?? name.replace(/-[a-z0-9]{8,10}-[a-z0-9]{5}$/, '');
  const hash = metadata.labels?.['pod-template-hash'];
  if (owner.kind !== 'ReplicaSet' || hash === undefined) return owner.name;
  return owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name;
}

function placedPod(pod: Pod, workload: Workload): PodAtAddress | undefined {
  const [address] = addressesOf(pod);
  return address === undefined ? undefined : { workload, namespace: pod.namespace, address };
}

function addressesOf({ body }: Pod): string[] {
  const status = isRecord(body.status) ? body.status : {};
  const { podIP, podIPs } = status;
  const more = Array.isArray(podIPs) ? podIPs.map((entry: unknown) => (isRecord(entry) ? entry.ip : undefined)) : [];
  const texts = [podIP, ...more].filter((address): address is string => typeof address === 'string' && address !== '');
  return [...new Set(texts)];
}
