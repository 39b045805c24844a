import type { Route } from '@inmesh/xds/messages';
import type { Settings } from '../options.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { VirtualService } from '../schema/virtual-service.js';
import { type Delegates, isDelegate } from './delegates.js';
import type { Destinations } from './destinations.js';
import { gatewayKey, mesh } from './gateway-names.js';
import type { Gateways } from './gateways.js';
import { resolveHost, wildcardsOf } from './hosts.js';
import { buildRoutes, checkRules, type RouteScope, type RuleSet } from './http-rules.js';
import type { MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';
import { isExportedTo } from './visibility.js';

type Source = ReadObject<VirtualService>;

/** What rules are read with. */
export interface VirtualServicesWorld {
  readonly delegates: Delegates;
  readonly destinations: Destinations;
  readonly registry: Registry;
  readonly gateways: Gateways;
}

const meshOnly: ReadonlySet<string> = new Set([mesh]);

/** VirtualServices by host: of the host itself, else of the longest wildcard that matches; of several, the oldest. */
export class VirtualServices {
  /** Of the client, from the oldest on. */
  readonly visible: RuleSet[] = [];
  readonly #byHost = new Map<string, RuleSet>();

  constructor(
    sources: ObjectsByKind['VirtualService'],
    private readonly world: VirtualServicesWorld,
    private readonly settings: Settings,
  ) {
    const { delegates, destinations } = world;
    const { memory } = settings;
    const sets = memory.recallRuns('rule sets', sources, (run) => run.map((source) => delegates.expand(source))).flat();
    // Also where no host of it is known, and where an older one takes all of its hosts.
    memory.recallRuns('checks', sets, (run) => {
      for (const set of run) {
        memory.recall(set, 'check', [], () => checkRules(set, { dialled: undefined, destinations }));
      }
    });
    for (const { place } of delegates.unusedBy(sets)) {
      place
        .at('spec')
        .unresolved('has no hosts, and no VirtualService delegates to it: not used', 'add hosts', 'warning');
    }
    for (const set of sets) if (!isDelegate(set.source)) this.#bind(set);
  }

  find({ host }: MeshService): Source | undefined {
    return this.settings.memory.ask('virtualServices', (services) => services.#find(host)?.source);
  }

  /** Undefined where no VirtualService has a rule for the port: then it is as if there were none (Istio). */
  routesOf({ host }: MeshService, port: number): readonly Route[] | undefined {
    return this.settings.memory.ask('virtualServices', (services) => services.#routesOf(host, port));
  }

  #routesOf(host: string, port: number): readonly Route[] | undefined {
    const found = this.#find(host);
    const routes = found && buildRoutes(found, this.#scope(port, meshOnly));
    return routes === undefined || routes.length === 0 ? undefined : routes;
  }

  #scope(dialled: number, gateways: ReadonlySet<string>): RouteScope {
    const { client, memory } = this.settings;
    return { dialled, destinations: this.world.destinations, gateways, client, memory };
  }

  #find(host: string): RuleSet | undefined {
    const exact = this.#byHost.get(host);
    if (exact !== undefined) return exact;
    for (const wildcard of wildcardsOf(host)) {
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
    const { gateways } = this.world;
    let isBound = false;
    for (const [index, written] of (body.spec.gateways ?? []).entries()) {
      if (written === mesh) continue;
      const key = gatewayKey(written, namespace);
      isBound ||= gateways.has(key);
      for (const dialled of gateways.numbersOf(key)) buildRoutes(set, this.#scope(dialled, new Set([key])));
      if (!gateways.has(key))
        place
          .at('spec', 'gateways', index)
          .unresolved(`there is no Gateway ${key}: ignored`, gateways.hintFor(key, place), 'warning');
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
    const { registry } = this.world;
    if (isBoundToGateway || registry.matching(host).length > 0) return;
    const hint = registry.hintFor(host, this.settings, place);
    place.unresolved(`${registry.whyUnknown(host)}: not used`, hint, 'warning');
  }
}

function isForMesh({ body }: Source): boolean {
  const { gateways = [] } = body.spec;
  return gateways.length === 0 || gateways.includes(mesh);
}
