import type { Route } from '@inmesh/xds/messages';
import { sameItems } from '../memory.js';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind } from '../read-objects.js';
import type { ParentRef } from '../schema/route-parts.js';
import { Backends } from './backends.js';
import type { Destinations } from './destinations.js';
import { readGrpcRoute } from './grpc-route-rules.js';
import { readHttpRoute } from './http-route-rules.js';
import type { MeshPort, MeshService } from './mesh-service.js';
import { byPrecedence, type RankedRoute, type RouteContext } from './ranked-routes.js';
import type { Registry } from './registry.js';
import {
  type Binding,
  type BoundSource,
  isForPort,
  type RouteKind,
  sayConflicts,
  sayTakenHttp,
  winnersOf,
} from './route-bindings.js';
import type { VirtualServices } from './virtual-services.js';

/**
 * HTTPRoutes and GRPCRoutes by the Service that they are bound to (GEP-1294). A route of the Service's own namespace is for all
 * of its clients; one of another namespace is for clients there, and counts for them instead of all of the former.
 */
export class ServiceRoutes {
  readonly #bindings = new Map<string, Binding[]>();
  readonly #backends: Backends;

  constructor(
    sources: Pick<ObjectsByKind, 'HTTPRoute' | 'GRPCRoute'>,
    private readonly registry: Registry,
    private readonly virtualServices: VirtualServices,
    destinations: Destinations,
    private readonly settings: Settings,
  ) {
    this.#backends = new Backends(registry, destinations, settings);
    for (const source of sources.HTTPRoute) {
      this.#take('HTTPRoute', source, (context) => readHttpRoute(source, context));
    }
    for (const source of sources.GRPCRoute) {
      this.#take('GRPCRoute', source, (context) => readGrpcRoute(source, context));
    }
    for (const bindings of this.#bindings.values()) {
      sayConflicts(bindings);
      sayTakenHttp(bindings);
    }
  }

  /** Undefined where nothing is bound to the port. Where something is, a request that no rule matches is not found. */
  routesOf({ host, namespace }: MeshService, port: MeshPort): readonly Route[] | undefined {
    return this.settings.memory.ask('serviceRoutes', (routes) => routes.#routesOf(host, namespace, port), areSame);
  }

  #routesOf(host: string, namespace: string, port: MeshPort): readonly Route[] | undefined {
    const bound = (this.#bindings.get(host) ?? []).filter(({ isSeen, parent }) => isSeen && isForPort(parent, port));
    if (bound.length === 0) return undefined;
    const consumers = bound.filter(({ source }) => source.namespace !== namespace);
    const winners = winnersOf(consumers.length > 0 ? consumers : bound);
    const routes = [...new Set(winners.map(({ read }) => read))].flatMap((read) => read(port.number));
    return routes.sort(byPrecedence).flatMap((ranked) => ranked.routes);
  }

  #take(kind: RouteKind, source: BoundSource, readAll: (context: RouteContext) => RankedRoute[]): void {
    const { memory } = this.settings;
    const read = (dialled: number | undefined): readonly RankedRoute[] =>
      memory.recall(source, 'routes', [dialled], () => readAll({ backends: this.#backends, dialled }));
    // Only mistakes are looked for, and in a route of other controllers they are theirs.
    if (!isOfOthers(source)) read(undefined);
    this.#bind(kind, source, read);
  }

  #bind(kind: RouteKind, source: BoundSource, read: Binding['read']): void {
    const parents = source.body.spec.parentRefs ?? [];
    if (parents.length === 0) source.place.at('spec').warn('has no parentRefs: bound to nothing, ignored');
    for (const [index, parent] of parents.entries()) {
      const place = source.place.at('spec', 'parentRefs', index);
      const service = this.#findParent(source, parent, place);
      if (service === undefined) continue;
      // Asked for each of them, as another client may be told apart by any.
      const isSeen = service.namespace === source.namespace || this.settings.client.isIn(source.namespace);
      const binding = { kind, source, parent, place, service, isSeen, read };
      const known = this.#bindings.get(service.host);
      if (known === undefined) this.#bindings.set(service.host, [binding]);
      else known.push(binding);
    }
  }

  #findParent(source: BoundSource, parent: ParentRef, place: Place): MeshService | undefined {
    const { kind = 'Gateway', group = 'gateway.networking.k8s.io', name, namespace = source.namespace } = parent;
    // A Gateway belongs to another controller of the cluster; nobody else reads files.
    if (kind !== 'Service' && place.isOfCluster) return undefined;
    if (kind !== 'Service' || (group !== '' && group !== 'core')) {
      return ignore(place, `routes for a ${kind} are not supported yet`, 'a Service is { kind: Service, group: "" }');
    }
    const host = `${name}.${namespace}.svc.${this.settings.clusterDomain}`;
    const service = this.registry.find(host);
    if (service === undefined) {
      const hint = this.registry.hintFor(host, this.settings, place);
      return void place.at('name').missingService(name, namespace, 'the route is not used for it', hint);
    }
    const virtualService = this.virtualServices.find(service);
    if (virtualService !== undefined) {
      return ignore(place, `${host} has the rules of ${virtualService.place.reference}`);
    }
    if (service.ports.some((port) => isForPort(parent, port))) return service;
    const ports = service.ports.map(({ number, name: portName }) =>
      portName === '' ? number : `${number} (${portName})`,
    );
    return ignore(place, `${host} has no such port`, `known: ${ports.join(', ')}`);
  }
}

function areSame(a: readonly Route[] | undefined, b: readonly Route[] | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && sameItems(a, b));
}

/** In a cluster, what names no Service. */
function isOfOthers({ body, place }: BoundSource): boolean {
  const parents = body.spec.parentRefs ?? [];
  return place.isOfCluster && parents.length > 0 && parents.every(({ kind }) => kind !== 'Service');
}

function ignore(place: Place, reason: string, hint?: string): undefined {
  place.unresolved(`${reason}: ignored`, hint, 'warning');
}
