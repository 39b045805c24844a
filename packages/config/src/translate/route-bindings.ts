import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { ParentRef } from '../schema/route-parts.js';
import type { RouteOrigin } from './backends.js';
import type { MeshPort, MeshService } from './mesh-service.js';
import type { RankedRoute } from './ranked-routes.js';

export type RouteKind = RouteOrigin['kind'];
export type BoundSource = ReadObject<{
  readonly spec: { readonly parentRefs?: readonly ParentRef[] | undefined };
}>;

/** One of the parents of a route, which is a Service. */
export interface Binding {
  readonly kind: RouteKind;
  readonly source: BoundSource;
  readonly parent: ParentRef;
  /** Of the parent. */
  readonly place: Place;
  readonly service: MeshService;
  /** Whether the client is one that the route is for. */
  readonly isSeen: boolean;
  /** @param dialled the port of the Service; undefined when only mistakes are looked for */
  readonly read: (dialled: number | undefined) => readonly RankedRoute[];
}

/** A section of a Service is a port by its name (Gateway API `ParentReference`). */
export function isForPort({ port, sectionName }: ParentRef, { number, name }: MeshPort): boolean {
  return (port === undefined || port === number) && (sectionName === undefined || sectionName === name);
}

/** Of the routes of one port those of one kind count alone, and GRPCRoutes before HTTPRoutes (GEP-1426, «Route types»). */
export function winnersOf(bound: readonly Binding[]): readonly Binding[] {
  const grpc = bound.filter(({ kind }) => kind === 'GRPCRoute');
  return grpc.length > 0 ? grpc : bound;
}

/**
 * Tells HTTPRoutes of a Service of the ports that GRPCRoutes have taken from them. Routes of different namespaces are for
 * different clients, and in no conflict.
 */
export function sayConflicts(bindings: readonly Binding[]): void {
  const ofGrpc = bindings.filter(({ kind }) => kind === 'GRPCRoute');
  if (ofGrpc.length === 0) return;
  for (const { kind, source, parent, place, service } of bindings) {
    if (kind === 'GRPCRoute') continue;
    const rivals = ofGrpc.filter((one) => one.source.namespace === source.namespace);
    const ports = service.ports.filter((port) => isForPort(parent, port));
    const taken = ports.filter((port) => rivals.some((rival) => isForPort(rival.parent, port)));
    const [first] = rivals.filter((rival) => taken.some((port) => isForPort(rival.parent, port)));
    if (first === undefined) continue;
    const numbers = taken.map(({ number }) => number).join(', ');
    const problem = `${service.host} has the rules of ${first.source.place.reference} on port ${numbers}`;
    if (taken.length === ports.length) place.at('port').unresolved(`${problem}: ignored`, undefined, 'warning');
    else source.place.at('spec', 'parentRefs').unresolved(`${problem}: ignored there`, undefined, 'warning');
  }
}

/** A GRPCRoute leaves no route to other requests of its port, which a port that is not named for gRPC may well have. */
export function sayTakenHttp(bindings: readonly Binding[]): void {
  for (const { kind, source, parent, service } of bindings) {
    if (kind !== 'GRPCRoute') continue;
    const taken = service.ports.filter((port) => port.protocol === 'http' && isForPort(parent, port));
    if (taken.length === 0) continue;
    const ports = taken.map(({ number, name }) => (name === '' ? number : `${number} (${name})`)).join(', ');
    // Not at one of the parents: the route is bound to it all the same, and its status says so.
    source.place
      .at('spec', 'parentRefs')
      .warn(
        `port ${ports} of ${service.host} is not one of gRPC: requests that are not gRPC have no route there`,
        'name a port for gRPC alone grpc, or give it appProtocol: kubernetes.io/h2c, and bind the route to it by port',
      );
  }
}
