import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration } from '../messages.js';

/** A whole configuration as xDS messages, each map keyed by resource name: what a translator makes and a server serves. */
export interface ResourceSet {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly assignments: ReadonlyMap<string, ClusterLoadAssignment>;
}
