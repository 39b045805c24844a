import type { RouteConfiguration } from './route.js';

/** An outbound entry, named as it is dialled: `host:port`, lower-case, the host fully qualified. */
export interface Listener {
  readonly name: string;
  /** The name of a route configuration, or one that the listener carries itself. */
  readonly routes: string | RouteConfiguration;
  /**
   * Made for a host that the configuration does not name (Istio's passthrough). Listeners of the configuration come first,
   * and of an incoming request nothing but its trace is carried on to it.
   */
  readonly passthrough?: boolean;
}
