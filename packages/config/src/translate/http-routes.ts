import type { Route } from '@inmesh/xds/messages';
import { sameItems } from '../memory.js';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { HttpRoute, ParentRef } from '../schema/http-route.js';
import { Backends } from './backends.js';
import type { Destinations } from './destinations.js';
import { byPrecedence, type RankedRoute, readRoutes } from './http-route-rules.js';
import type { MeshPort, MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';
import type { VirtualServices } from './virtual-services.js';

type Source = ReadObject<HttpRoute>;

interface Binding {
  readonly source: Source;
  readonly parent: ParentRef;
}

/**
 * HTTPRoutes by the Service that they are bound to (GEP-1294). A route of the Service's own namespace is for all of its
 * clients; one of another namespace is for clients there, and counts for them instead of all of the former.
 */
export class HttpRoutes {
  readonly #bindings = new Map<string, Binding[]>();
  readonly #backends: Backends;

  constructor(
    sources: ObjectsByKind['HTTPRoute'],
    private readonly registry: Registry,
    private readonly virtualServices: VirtualServices,
    destinations: Destinations,
    private readonly settings: Settings,
  ) {
    this.#backends = new Backends(registry, destinations, settings);
    for (const source of sources) {
      this.#routesFor(source, undefined);
      this.#bind(source);
    }
  }

  /** Undefined where nothing is bound to the port. Where something is, a request that no rule matches is not found. */
  routesOf({ host, namespace }: MeshService, port: MeshPort): readonly Route[] | undefined {
    return this.settings.memory.ask('httpRoutes', (routes) => routes.#routesOf(host, namespace, port), areSame);
  }

  #routesOf(host: string, namespace: string, port: MeshPort): readonly Route[] | undefined {
    const bound = (this.#bindings.get(host) ?? []).filter(({ parent }) => isForPort(parent, port));
    if (bound.length === 0) return undefined;
    const consumers = bound.filter(({ source }) => source.namespace !== namespace);
    const sources = new Set((consumers.length > 0 ? consumers : bound).map(({ source }) => source));
    const routes = [...sources].flatMap((source) => this.#routesFor(source, port.number));
    return routes.sort(byPrecedence).flatMap((ranked) => ranked.routes);
  }

  /** @param dialled undefined when only mistakes are looked for */
  #routesFor(source: Source, dialled: number | undefined): readonly RankedRoute[] {
    const context = { backends: this.#backends, dialled };
    return this.settings.memory.recall(source, 'routes', [dialled], () => readRoutes(source, context));
  }

  #bind(source: Source): void {
    const parents = source.body.spec.parentRefs ?? [];
    if (parents.length === 0) source.place.at('spec').warn('has no parentRefs: bound to nothing, ignored');
    for (const [index, parent] of parents.entries()) {
      const service = this.#findParent(source, parent, source.place.at('spec', 'parentRefs', index));
      if (service === undefined) continue;
      // Asked for each of them, as another client may be told apart by any.
      if (service.namespace !== source.namespace && !this.settings.client.isIn(source.namespace)) continue;
      const known = this.#bindings.get(service.host);
      if (known === undefined) this.#bindings.set(service.host, [{ source, parent }]);
      else known.push({ source, parent });
    }
  }

  #findParent(source: Source, parent: ParentRef, place: Place): MeshService | undefined {
    const { kind = 'Gateway', group = 'gateway.networking.k8s.io', name, namespace = source.namespace } = parent;
    if (kind !== 'Service' || (group !== '' && group !== 'core')) {
      return ignore(place, `routes for a ${kind} are not supported yet`, 'a Service is { kind: Service, group: "" }');
    }
    const host = `${name}.${namespace}.svc.${this.settings.clusterDomain}`;
    const service = this.registry.find(host);
    if (service === undefined) {
      const hint = this.registry.hintFor(host, this.settings);
      return ignore(place.at('name'), `there is no Service "${name}" in the namespace ${namespace}`, hint);
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

function ignore(place: Place, reason: string, hint?: string): undefined {
  place.unresolved(`${reason}: ignored`, hint, 'warning');
}

/** A section of a Service is a port by its name (Gateway API `ParentReference`). */
function isForPort({ port, sectionName }: ParentRef, { number, name }: MeshPort): boolean {
  return (port === undefined || port === number) && (sectionName === undefined || sectionName === name);
}
