import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret } from '../messages.js';

/** A whole configuration as xDS messages, each map keyed by resource name: what a translator makes and a server serves. */
export interface ResourceSet {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly routes: ReadonlyMap<string, RouteConfiguration>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly assignments: ReadonlyMap<string, ClusterLoadAssignment>;
  /** Certificates and keys. Default: none. */
  readonly secrets?: ReadonlyMap<string, Secret>;
  /**
   * Makes listeners that are in no list because only a client that names them knows of them; undefined for a name that means
   * nothing. Equal names give equal listeners. Sets with the same function are taken to agree about all names.
   */
  readonly listenerOnDemand?: ((name: string) => Listener | undefined) | undefined;
}
