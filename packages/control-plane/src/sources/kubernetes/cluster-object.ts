import type { KubernetesObject } from '../../kubernetes/client/objects.js';

/** An object of which more than `metadata` is looked at, by whoever knows its kind. */
export interface ClusterObject extends KubernetesObject {
  readonly [field: string]: unknown;
}
