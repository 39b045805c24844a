import type { ClusterAccess } from '../../kubernetes/client/cluster-access.js';
import type { ReflectorTimings } from '../../kubernetes/reflector/reflector-timings.js';

/** How the objects of a cluster are read. */
export interface KubernetesOptions {
  /** Default: that of KUBECONFIG, of the pod that this process runs in, or of `~/.kube/config`, in this order. */
  readonly cluster?: ClusterAccess | undefined;
  /**
   * Each is watched by itself, so that Roles in them are enough; what concerns the whole mesh is watched in its root namespace
   * too. Default, and when empty: all namespaces.
   */
  readonly namespaces?: readonly string[] | undefined;
  readonly excludedNamespaces?: readonly string[] | undefined;
  /**
   * Istio and Gateway API objects with another value of the label `istio.io/rev` are for another mesh (Istio
   * `LabelsInRevision`); those without the label are for all. Default `default`.
   */
  readonly revision?: string | undefined;
  /** By which this mesh's part in the status of routes is known. Default `inmesh.io/config-server`. */
  readonly controllerName?: string | undefined;
  /** How watches are followed over cuts and silences. */
  readonly timings?: Partial<ReflectorTimings> | undefined;
}

export interface KubernetesSettings {
  readonly namespaces: readonly string[];
  readonly excludedNamespaces: readonly string[];
  readonly revision: string;
  readonly controllerName: string;
}

export const defaultKubernetesOptions: KubernetesSettings = Object.freeze({
  namespaces: Object.freeze([]),
  excludedNamespaces: Object.freeze([]),
  revision: 'default',
  controllerName: 'inmesh.io/config-server',
});

export function kubernetesSettings({
  namespaces = defaultKubernetesOptions.namespaces,
  excludedNamespaces = defaultKubernetesOptions.excludedNamespaces,
  revision = defaultKubernetesOptions.revision,
  controllerName = defaultKubernetesOptions.controllerName,
}: KubernetesOptions): KubernetesSettings {
  return { namespaces, excludedNamespaces, revision, controllerName };
}
