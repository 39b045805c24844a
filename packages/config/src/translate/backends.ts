import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { BackendFilter } from '../schema/http-route.js';
import type { BackendReference } from '../schema/route-parts.js';
import type { Destinations } from './destinations.js';
import { readBackendFilters } from './http-route-filters.js';
import { invalidTarget } from './invalid-backend.js';
import { clusterName } from './mesh-service.js';
import type { Registry } from './registry.js';
import type { Target } from './route-actions.js';

interface BackendRef extends BackendReference {
  readonly weight?: number | undefined;
  readonly filters?: readonly BackendFilter[] | undefined;
}

/** Who names a backend. */
export interface RouteOrigin {
  readonly kind: 'HTTPRoute' | 'GRPCRoute';
  readonly namespace: string;
}

export interface FoundBackend {
  readonly cluster: string;
  readonly hash: Target['hash'];
}

/** Finds the clusters that routes name. One that is not there is a warning: its share is answered with an error. */
export class Backends {
  constructor(
    private readonly registry: Registry,
    private readonly destinations: Destinations,
    private readonly settings: Settings,
  ) {}

  /** The targets of a rule; what has no backend is answered with an error. */
  resolve(refs: readonly BackendRef[], origin: RouteOrigin, place: Place): readonly Target[] {
    const targets = refs.flatMap((ref, index): Target[] => {
      const weight = ref.weight ?? 1;
      const filters = readBackendFilters(ref.filters ?? [], place.at(index, 'filters'));
      const found = this.find(ref, origin, place.at(index), answered);
      if (weight === 0) return [];
      return [found === undefined ? invalidTarget(weight, origin.kind) : { ...found, ...filters, weight }];
    });
    return targets.length === 0 ? [invalidTarget(1, origin.kind)] : targets;
  }

  /** @param effect of a backend that is not there */
  find(ref: BackendReference, origin: RouteOrigin, place: Place, effect: string): FoundBackend | undefined {
    const { kind = 'Service', group = '', name, namespace = origin.namespace, port } = ref;
    const fail = (at: Place, problem: string, hint?: string): undefined => {
      at.unresolved(`${problem}: ${effect}`, hint, 'warning');
    };
    if (kind !== 'Service' || (group !== '' && group !== 'core')) {
      return fail(place.at('kind'), `a backend of the kind ${kind} is not supported`);
    }
    if (namespace !== origin.namespace && !this.#isGranted(name, namespace, origin)) {
      const wanted = `${origin.kind}s of ${origin.namespace}`;
      return fail(place.at('namespace'), `no ReferenceGrant in ${namespace} allows ${wanted}`);
    }
    const host = `${name}.${namespace}.svc.${this.settings.clusterDomain}`;
    const service = this.registry.find(host);
    if (service === undefined) {
      const hint = this.registry.hintFor(host, this.settings, place);
      return void place.at('name').missingService(name, namespace, effect, hint);
    }
    if (port === undefined) return fail(place.at('port'), 'must be given for a Service');
    const known = service.ports.map(({ number }) => number);
    if (known.includes(port))
      return { cluster: clusterName(host, port), hash: this.destinations.hashOf(service, port) };
    return fail(place.at('port'), `${host} has no port ${port}`, `known: ${known.join(', ')}`);
  }

  #isGranted(name: string, namespace: string, origin: RouteOrigin): boolean {
    const grants = this.settings.memory.ask('grants', (all) => all);
    return grants.some(({ namespace: place, body: { spec } }) => {
      const from = spec.from.some(
        ({ group, kind, namespace: of }) =>
          group === 'gateway.networking.k8s.io' && kind === origin.kind && of === origin.namespace,
      );
      const to = spec.to.some(
        ({ group, kind, name: only = name }) => group === '' && kind === 'Service' && only === name,
      );
      return place === namespace && from && to;
    });
  }
}

const answered = 'requests for this backend are answered with an error';
