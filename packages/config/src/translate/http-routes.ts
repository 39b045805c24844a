import type { Route } from '@inmesh/xds/messages';
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
    objects: Pick<ObjectsByKind, 'HTTPRoute' | 'ReferenceGrant'>,
    private readonly registry: Registry,
    private readonly virtualServices: VirtualServices,
    destinations: Destinations,
    private readonly settings: Settings,
  ) {
    const create = () => new Backends(objects.ReferenceGrant, registry, destinations, settings);
    this.#backends = create();
    // What is only checked sends no request anywhere.
    const context = { backends: create(), dialled: undefined };
    for (const source of objects.HTTPRoute) {
      readRoutes(source, context);
      this.#bind(source);
    }
  }

  /** Whether some route sends a share to a backend that is not there. */
  get useInvalidBackend(): boolean {
    return this.#backends.someAreInvalid;
  }

  /** Undefined where nothing is bound to the port. Where something is, a request that no rule matches is not found. */
  routesOf({ host, namespace }: MeshService, port: MeshPort): Route[] | undefined {
    const bound = (this.#bindings.get(host) ?? []).filter(({ parent }) => isForPort(parent, port));
    if (bound.length === 0) return undefined;
    const consumers = bound.filter(({ source }) => source.namespace !== namespace);
    const sources = new Set((consumers.length > 0 ? consumers : bound).map(({ source }) => source));
    const context = { backends: this.#backends, dialled: port.number };
    const routes = [...sources].flatMap((source): RankedRoute[] => readRoutes(source, context));
    return routes.sort(byPrecedence).flatMap((ranked) => ranked.routes);
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

function ignore(place: Place, reason: string, hint?: string): undefined {
  place.warn(`${reason}: ignored`, hint);
}

/** A section of a Service is a port by its name (Gateway API `ParentReference`). */
function isForPort({ port, sectionName }: ParentRef, { number, name }: MeshPort): boolean {
  return (port === undefined || port === number) && (sectionName === undefined || sectionName === name);
}
