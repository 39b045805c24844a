import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind } from '../read-objects.js';
import type { BackendRef } from '../schema/http-route.js';
import { invalidBackend } from './invalid-backend.js';
import { clusterName } from './mesh-service.js';
import type { Registry } from './registry.js';
import type { Target } from './route-actions.js';

/** Finds the clusters that HTTPRoutes name. One that is not there is a warning: its share is answered with an error. */
export class Backends {
  someAreInvalid = false;

  constructor(
    private readonly grants: ObjectsByKind['ReferenceGrant'],
    private readonly registry: Registry,
    private readonly settings: Settings,
  ) {}

  /** The targets of a rule; undefined when none of them can take a request (Gateway API: status 500). */
  resolve(refs: readonly BackendRef[], namespace: string, place: Place): readonly Target[] | undefined {
    const targets = refs.map((ref, index) => ({
      cluster: this.#clusterOf(ref, namespace, place.at(index)),
      weight: ref.weight ?? 1,
    }));
    const used = targets.filter(({ weight }) => weight > 0);
    if (used.every(({ cluster }) => cluster === undefined)) return undefined;
    if (used.some(({ cluster }) => cluster === undefined)) this.someAreInvalid = true;
    return used.map(({ cluster, weight }) => ({ cluster: cluster ?? invalidBackend, weight }));
  }

  #clusterOf(ref: BackendRef, routeNamespace: string, place: Place): string | undefined {
    const { kind = 'Service', group = '', name, namespace = routeNamespace, port } = ref;
    if (kind !== 'Service' || (group !== '' && group !== 'core')) {
      return fail(place.at('kind'), `a backend of the kind ${kind} is not supported`);
    }
    if (namespace !== routeNamespace && !this.#isGranted(name, namespace, routeNamespace)) {
      return fail(place.at('namespace'), `no ReferenceGrant in ${namespace} allows HTTPRoutes of ${routeNamespace}`);
    }
    const host = `${name}.${namespace}.svc.${this.settings.clusterDomain}`;
    const service = this.registry.find(host);
    if (service === undefined) {
      const hint = this.registry.hintFor(host, this.settings);
      return fail(place.at('name'), `there is no Service "${name}" in the namespace ${namespace}`, hint);
    }
    if (port === undefined) return fail(place.at('port'), 'must be given for a Service');
    const known = service.ports.map(({ number }) => number);
    if (known.includes(port)) return clusterName(host, port);
    return fail(place.at('port'), `${host} has no port ${port}`, `known: ${known.join(', ')}`);
  }

  #isGranted(name: string, namespace: string, routeNamespace: string): boolean {
    return this.grants.some(({ namespace: place, body: { spec } }) => {
      const from = spec.from.some(
        ({ group, kind, namespace: of }) =>
          group === 'gateway.networking.k8s.io' && kind === 'HTTPRoute' && of === routeNamespace,
      );
      const to = spec.to.some(
        ({ group, kind, name: only = name }) => group === '' && kind === 'Service' && only === name,
      );
      return place === namespace && from && to;
    });
  }
}

function fail(place: Place, problem: string, hint?: string): undefined {
  place.warn(`${problem}: requests for this backend are answered with an error`, hint);
}
