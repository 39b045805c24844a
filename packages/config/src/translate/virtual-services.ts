import type { Route } from '@inmesh/xds/messages';
import type { Settings } from '../options.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { VirtualService } from '../schema/virtual-service.js';
import type { Destinations } from './destinations.js';
import { resolveHost, wildcardsOf } from './hosts.js';
import { buildRoutes, checkRules } from './http-rules.js';
import type { MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';

type Source = ReadObject<VirtualService>;

/** VirtualServices by host: of the host itself, else of the longest wildcard that matches; of several, the oldest. */
export class VirtualServices {
  readonly #sources = new Map<string, Source>();

  constructor(
    sources: ObjectsByKind['VirtualService'],
    private readonly destinations: Destinations,
    private readonly registry: Registry,
    private readonly settings: Settings,
  ) {
    for (const source of sources) {
      if (!isForMesh(source)) continue;
      // Also where no host of it is known, and where an older one takes all of its hosts.
      checkRules(source, destinations);
      for (const [index, host] of source.body.spec.hosts.entries()) this.#add(source, host, index);
    }
  }

  find(service: MeshService): Source | undefined {
    const exact = this.#sources.get(service.host);
    if (exact !== undefined) return exact;
    for (const wildcard of wildcardsOf(service.host)) {
      const found = this.#sources.get(wildcard);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Undefined where no VirtualService has a rule for the port: then it is as if there were none (Istio). */
  routesOf(service: MeshService, port: number): Route[] | undefined {
    const source = this.find(service);
    const routes = source && buildRoutes(source, port, this.destinations);
    return routes === undefined || routes.length === 0 ? undefined : routes;
  }

  #add(source: Source, written: string, index: number): void {
    const host = resolveHost(written, source.namespace, this.settings);
    const place = source.place.at('spec', 'hosts', index);
    const other = this.#sources.get(host);
    if (other !== undefined && other !== source) {
      const hint = 'join the two, or give them different hosts';
      place.warn(`"${host}" has the rules of the older ${other.place.reference}: these are not used for it`, hint);
      return;
    }
    this.#sources.set(host, source);
    if (this.registry.matching(host).length > 0) return;
    place.warn(`${this.registry.whyUnknown(host)}: not used`, this.registry.hintFor(host, this.settings));
  }
}

function isForMesh({ body, place }: Source): boolean {
  const { gateways = [] } = body.spec;
  if (gateways.length === 0 || gateways.includes('mesh')) return true;
  place
    .at('spec', 'gateways')
    .warn('bound to gateways only, and requests from outside of the mesh are not routed yet: ignored', 'add "mesh"');
  return false;
}
