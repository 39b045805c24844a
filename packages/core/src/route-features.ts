import type { Route, RouteConfiguration } from './model/route.js';
import type { RouteTable } from './router/route-table.js';

/** What some route of a configuration asks for; looked for when it is first asked. */
export class RouteFeatures {
  #routingHeaders: readonly string[] | undefined;
  #hasInboundLimits: boolean | undefined;
  #hasCors: boolean | undefined;

  constructor(private readonly routeTables: ReadonlyMap<string, RouteTable>) {}

  /** Lower-case names of the headers that some route matches on, pseudo headers left out. */
  get routingHeaders(): readonly string[] {
    this.#routingHeaders ??= [
      ...new Set([...this.routeTables.values()].flatMap((table) => headersOf(table.configuration))),
    ];
    return this.#routingHeaders;
  }

  get hasInboundLimits(): boolean {
    this.#hasInboundLimits ??= this.#someRoute(limitedConfigurations, isLimitedInbound);
    return this.#hasInboundLimits;
  }

  get hasCors(): boolean {
    this.#hasCors ??= this.#someRoute(corsConfigurations, (route) => route.cors !== undefined);
    return this.#hasCors;
  }

  #someRoute(known: WeakMap<RouteConfiguration, boolean>, test: (route: Route) => boolean): boolean {
    return [...this.routeTables.values()].some(({ configuration }) => {
      let found = known.get(configuration);
      if (found === undefined) {
        found = configuration.virtualHosts.some((host) => host.routes.some(test));
        known.set(configuration, found);
      }
      return found;
    });
  }
}

const limitedConfigurations = new WeakMap<RouteConfiguration, boolean>();
const corsConfigurations = new WeakMap<RouteConfiguration, boolean>();

function isLimitedInbound(route: Route): boolean {
  return route.rateLimits.some((limit) => limit.side === 'inbound');
}

const headersOfConfiguration = new WeakMap<RouteConfiguration, string[]>();

function headersOf(configuration: RouteConfiguration): string[] {
  let names = headersOfConfiguration.get(configuration);
  if (names === undefined) {
    const matchers = configuration.virtualHosts.flatMap((host) => host.routes.flatMap((route) => route.match.headers));
    names = matchers.map((matcher) => matcher.name).filter((name) => !name.startsWith(':'));
    headersOfConfiguration.set(configuration, names);
  }
  return names;
}
