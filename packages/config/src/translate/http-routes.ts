import type { Route } from '@inmesh/xds/messages';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { HttpRoute, ParentRef } from '../schema/http-route.js';
import { Backends } from './backends.js';
import { byPrecedence, type RankedRoute, readRoutes } from './http-route-rules.js';
import type { MeshPort, MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';
import type { VirtualServices } from './virtual-services.js';

type Source = ReadObject<HttpRoute>;

interface Binding {
  readonly source: Source;
  readonly parent: ParentRef;
}

/** HTTPRoutes that are bound to a Service of their own namespace, so for all of its clients (GEP-1294, producer routes). */
export class HttpRoutes {
  readonly #bindings = new Map<string, Binding[]>();
  readonly #read = new Map<Source, readonly RankedRoute[]>();
  readonly #backends: Backends;

  constructor(
    objects: Pick<ObjectsByKind, 'HTTPRoute' | 'ReferenceGrant'>,
    private readonly registry: Registry,
    private readonly virtualServices: VirtualServices,
    private readonly settings: Settings,
  ) {
    this.#backends = new Backends(objects.ReferenceGrant, registry, settings);
    for (const source of objects.HTTPRoute) this.#bind(source);
  }

  /** Whether some route sends a share to a backend that is not there. */
  get useInvalidBackend(): boolean {
    return this.#backends.someAreInvalid;
  }

  /** Undefined where nothing is bound to the port. Where something is, a request that no rule matches is not found. */
  routesOf({ host }: MeshService, port: MeshPort): Route[] | undefined {
    const bound = (this.#bindings.get(host) ?? []).filter(({ parent }) => isForPort(parent, port));
    if (bound.length === 0) return undefined;
    const sources = new Set(bound.map(({ source }) => source));
    const routes = [...sources].flatMap((source) => this.#read.get(source) ?? []);
    return routes.sort(byPrecedence).flatMap((ranked) => ranked.routes);
  }

  #bind(source: Source): void {
    const parents = source.body.spec.parentRefs ?? [];
    if (parents.length === 0) source.place.at('spec').warn('has no parentRefs: bound to nothing, ignored');
    for (const [index, parent] of parents.entries()) {
      const service = this.#findParent(source, parent, source.place.at('spec', 'parentRefs', index));
      if (service === undefined) continue;
      const known = this.#bindings.get(service.host);
      if (known === undefined) this.#bindings.set(service.host, [{ source, parent }]);
      else known.push({ source, parent });
      if (!this.#read.has(source)) this.#read.set(source, readRoutes(source, this.#backends));
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
    if (namespace !== source.namespace) {
      return ignore(place.at('namespace'), 'routes for clients of another namespace are not supported yet');
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
