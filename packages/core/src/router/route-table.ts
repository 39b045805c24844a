import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { Route, RouteConfiguration, VirtualHost } from '../model/route.js';
import type { CallMatcher } from './call-matcher.js';
import { DomainTable } from './domain-table.js';
import { compileRouteMatch } from './matchers.js';

/** The routes of one virtual host, compiled: the first that matches is taken. */
export class VirtualHostTable {
  readonly virtualHost: VirtualHost;
  readonly #routes: readonly { readonly route: Route; readonly matches: CallMatcher }[];

  constructor(virtualHost: VirtualHost) {
    this.virtualHost = virtualHost;
    this.#routes = virtualHost.routes.map((route) => ({ route, matches: compileRouteMatch(route.match) }));
  }

  match(call: Call, random: Random): Route | undefined {
    for (const entry of this.#routes) if (entry.matches(call, random)) return entry.route;
    return undefined;
  }
}

/** A route configuration, compiled once and then only read. */
export class RouteTable {
  readonly configuration: RouteConfiguration;
  readonly #domains: DomainTable<VirtualHostTable>;

  constructor(configuration: RouteConfiguration) {
    this.configuration = configuration;
    this.#domains = new DomainTable(domainsOf(configuration));
  }

  /** `host` without and `hostWithPort` with the port; see `DomainTable` for the order of choice. */
  findVirtualHost(host: string, hostWithPort: string): VirtualHostTable | undefined {
    return this.#domains.find(host, hostWithPort);
  }
}

function domainsOf({ virtualHosts }: RouteConfiguration): [string, VirtualHostTable][] {
  return virtualHosts.flatMap((virtualHost) => {
    const table = new VirtualHostTable(virtualHost);
    return virtualHost.domains.map((domain): [string, VirtualHostTable] => [domain, table]);
  });
}
