import type { Route } from '@inmesh/xds/messages';
import type { Settings } from '../options.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { VirtualService } from '../schema/virtual-service.js';
import { Delegates, isDelegate } from './delegates.js';
import type { Destinations } from './destinations.js';
import { gatewayKey, mesh } from './gateway-names.js';
import type { Gateways } from './gateways.js';
import { resolveHost, wildcardsOf } from './hosts.js';
import { buildRoutes, checkRules, type RuleSet } from './http-rules.js';
import type { MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';
import { isExportedTo } from './visibility.js';

type Source = ReadObject<VirtualService>;

const meshOnly: ReadonlySet<string> = new Set([mesh]);

/** VirtualServices by host: of the host itself, else of the longest wildcard that matches; of several, the oldest. */
export class VirtualServices {
  /** Of the client, from the oldest on. */
  readonly visible: RuleSet[] = [];
  readonly #byHost = new Map<string, RuleSet>();

  constructor(
    sources: ObjectsByKind['VirtualService'],
    private readonly destinations: Destinations,
    private readonly registry: Registry,
    private readonly gateways: Gateways,
    private readonly settings: Settings,
  ) {
    const delegates = new Delegates(sources);
    // Also where no host of it is known, and where an older one takes all of its hosts.
    const sets = sources.map((source) => ({ source, rules: delegates.expand(source) }));
    for (const set of sets) checkRules(set, { dialled: undefined, destinations });
    for (const { place } of delegates.unused) {
      place.at('spec').warn('has no hosts, and no VirtualService delegates to it: not used', 'add hosts');
    }
    for (const set of sets) if (!isDelegate(set.source)) this.#bind(set);
  }

  find(service: MeshService): Source | undefined {
    return this.#find(service)?.source;
  }

  /** Undefined where no VirtualService has a rule for the port: then it is as if there were none (Istio). */
  routesOf(service: MeshService, port: number): Route[] | undefined {
    const found = this.#find(service);
    const { destinations } = this;
    const scope = { dialled: port, destinations, gateways: meshOnly, client: this.settings.client };
    const routes = found && buildRoutes(found, scope);
    return routes === undefined || routes.length === 0 ? undefined : routes;
  }

  #find(service: MeshService): RuleSet | undefined {
    const exact = this.#byHost.get(service.host);
    if (exact !== undefined) return exact;
    for (const wildcard of wildcardsOf(service.host)) {
      const found = this.#byHost.get(wildcard);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #bind(set: RuleSet): void {
    const { body, namespace } = set.source;
    const isBoundToGateway = this.#checkGateways(set);
    if (!isExportedTo(body.spec.exportTo, namespace, this.settings.client)) return;
    this.visible.push(set);
    if (!isForMesh(set.source)) return;
    for (const [index, host] of (body.spec.hosts ?? []).entries()) this.#add(set, host, index, isBoundToGateway);
  }

  /** Whether it is bound to a Gateway that is there. Mistakes are said to every client, not to that Gateway alone. */
  #checkGateways(set: RuleSet): boolean {
    const { body, place, namespace } = set.source;
    const { destinations } = this;
    let isBound = false;
    for (const [index, written] of (body.spec.gateways ?? []).entries()) {
      if (written === mesh) continue;
      const key = gatewayKey(written, namespace);
      isBound ||= this.gateways.has(key);
      for (const dialled of this.gateways.numbersOf(key)) {
        buildRoutes(set, { dialled, destinations, gateways: new Set([key]), client: this.settings.client });
      }
      if (!this.gateways.has(key))
        place.at('spec', 'gateways', index).warn(`there is no Gateway ${key}: ignored`, this.gateways.hintFor(key));
    }
    return isBound;
  }

  #add(set: RuleSet, written: string, index: number, isBoundToGateway: boolean): void {
    const host = resolveHost(written, set.source.namespace, this.settings);
    const place = set.source.place.at('spec', 'hosts', index);
    const other = this.#byHost.get(host);
    if (other !== undefined && other !== set) {
      const hint = 'join the two, or give them different hosts';
      place.warn(
        `"${host}" has the rules of the older ${other.source.place.reference}: these are not used for it`,
        hint,
      );
      return;
    }
    this.#byHost.set(host, set);
    if (isBoundToGateway || this.registry.matching(host).length > 0) return;
    place.warn(`${this.registry.whyUnknown(host)}: not used`, this.registry.hintFor(host, this.settings));
  }
}

function isForMesh({ body }: Source): boolean {
  const { gateways = [] } = body.spec;
  return gateways.length === 0 || gateways.includes(mesh);
}
