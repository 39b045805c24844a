import type { RouteConfiguration } from './route.js';

/** An outbound entry, named as it is dialled: `host:port`, lower-case, the host fully qualified. */
export interface Listener {
  readonly name: string;
  /** The name of a route configuration, or one that the listener carries itself. */
  readonly routes: string | RouteConfiguration;
  /** A host outside the mesh: nothing of an incoming request but its trace is carried on to it. */
  readonly external?: boolean;
}
