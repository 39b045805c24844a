import type { Cluster, ClusterLoadAssignment } from './cluster.js';
import type { InboundListener } from './inbound-listener.js';
import type { Listener } from './listener.js';
import type { ResourceProblem } from './problem.js';
import type { RouteConfiguration } from './route.js';

/** A complete configuration in domain types, each map keyed by the resource's name. What every source delivers. */
export interface MeshResources {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  /** By EDS service name; for a DNS cluster by the cluster's name. */
  readonly assignments: ReadonlyMap<string, ClusterLoadAssignment>;
  /** What is wrong with this configuration; the same array as long as nothing of it changes. Default none. */
  readonly problems?: readonly ResourceProblem[] | undefined;
  /** Undefined: the workload takes whatever comes, as without a mesh. */
  readonly inbound?: InboundListener | undefined;
}

export const emptyResources: MeshResources = Object.freeze({
  listeners: new Map(),
  routes: new Map(),
  clusters: new Map(),
  assignments: new Map(),
  inbound: undefined,
});
