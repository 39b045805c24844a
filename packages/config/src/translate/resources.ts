import { create } from '@bufbuild/protobuf';
import type { ResourceSet } from '@inmesh/xds';
import {
  type Cluster,
  type ClusterLoadAssignment,
  type Listener,
  type Route,
  type RouteConfiguration,
  RouteSchema,
} from '@inmesh/xds/messages';
import { didYouMean } from '../nearest.js';
import { ownValue } from '../own-value.js';
import { buildAssignment } from './assignments.js';
import { buildCluster } from './clusters.js';
import type { DestinationRules, HostRule, PlacedSubset } from './destination-rules.js';
import { buildMatch } from './http-matches.js';
import type { HttpRoutes } from './http-routes.js';
import { buildInvalidBackendCluster } from './invalid-backend.js';
import { buildListener, buildRouteConfiguration } from './listeners.js';
import { clusterName, type MeshPort, type MeshService } from './mesh-service.js';
import type { Registry } from './registry.js';
import { defaultRetries } from './retry-policies.js';
import { forwardTo } from './route-actions.js';
import { policyFor } from './traffic-policy.js';
import type { VirtualServices } from './virtual-services.js';
import { hasLabels, type Labels } from './workloads.js';

/** More would hide the rest of the line. */
const maxValues = 10;

export interface Rules {
  readonly destinationRules: DestinationRules;
  readonly virtualServices: VirtualServices;
  readonly httpRoutes: HttpRoutes;
}

/** Everything that clients are told, each map sorted by name. */
export function buildResources(registry: Registry, rules: Rules): ResourceSet {
  const builder = new Builder(rules);
  for (const service of registry.sorted()) builder.addService(service);
  if (rules.httpRoutes.useInvalidBackend) builder.addCluster(buildInvalidBackendCluster(), []);
  return {
    listeners: byName(builder.listeners, ({ name }) => name),
    routes: byName(builder.routes, ({ name }) => name),
    clusters: byName(builder.clusters, ({ name }) => name),
    assignments: byName(builder.assignments, (assignment) => assignment.clusterName),
  };
}

class Builder {
  readonly listeners: Listener[] = [];
  readonly routes: RouteConfiguration[] = [];
  readonly clusters: Cluster[] = [];
  readonly assignments: ClusterLoadAssignment[] = [];

  constructor(private readonly rules: Rules) {}

  addService(service: MeshService): void {
    const rule = this.rules.destinationRules.of(service);
    sayEmptySubsets(service, rule);
    for (const port of service.ports) {
      this.#addClusters(service, port, rule);
      // What is not HTTP has no routes, but it can be the destination of some.
      if (port.protocol !== 'opaque') this.#addListener(service, port);
    }
  }

  addCluster(cluster: Cluster, endpoints: MeshPort['endpoints']): void {
    this.clusters.push(cluster);
    if (cluster.edsClusterConfig !== undefined) this.assignments.push(buildAssignment(cluster.name, endpoints));
  }

  #addClusters(service: MeshService, port: MeshPort, { policy, subsets }: HostRule): void {
    const all = {
      service,
      port,
      subset: '',
      endpoints: port.endpoints,
      policy: policyFor(policy, undefined, port.number),
    };
    this.addCluster(buildCluster(all), all.endpoints);
    for (const [name, placed] of subsets) {
      const endpoints = endpointsOf(port, placed);
      const ofSubset = {
        service,
        port,
        subset: name,
        endpoints,
        policy: policyFor(policy, placed.subset, port.number),
      };
      this.addCluster(buildCluster(ofSubset), endpoints);
    }
  }

  #addListener(service: MeshService, port: MeshPort): void {
    const { virtualServices, httpRoutes } = this.rules;
    const routes = virtualServices.routesOf(service, port.number) ??
      httpRoutes.routesOf(service, port) ?? [defaultRoute(service, port)];
    const configuration = buildRouteConfiguration(service, port, routes);
    this.routes.push(configuration);
    this.listeners.push(buildListener(configuration.name));
  }
}

/** Of a port that no rule is for. Its name is Istio's. */
function defaultRoute({ host }: MeshService, { number }: MeshPort): Route {
  const action = forwardTo([{ cluster: clusterName(host, number), weight: 1 }], defaultRetries);
  return create(RouteSchema, { name: 'default', match: buildMatch(), action: { case: 'route', value: action } });
}

function endpointsOf({ endpoints }: MeshPort, { subset }: PlacedSubset): MeshPort['endpoints'] {
  return endpoints.filter(({ labels = {} }) => hasLabels(labels, subset.labels ?? {}));
}

/** Requests to a subset without endpoints fail. Where the service has none at all, that is no fault of the subset. */
function sayEmptySubsets({ host, ports, unready = [] }: MeshService, { subsets }: HostRule): void {
  const endpoints = ports.flatMap((port) => port.endpoints);
  if (endpoints.length === 0) return;
  const known = endpoints.flatMap(({ labels }) => (labels === undefined ? [] : [labels]));
  if (known.length === 0) sayUnlabelled(host, subsets);
  else for (const placed of subsets.values()) sayUnselective(host, placed, [...known, ...unready]);
}

function sayUnselective(host: string, { subset, place }: PlacedSubset, known: readonly Labels[]): void {
  const wanted = subset.labels ?? {};
  if (known.some((labels) => hasLabels(labels, wanted))) return;
  const written = Object.entries(wanted).map(([key, value]) => `${key}: ${value}`);
  place.warn(
    `no endpoint of ${host} has the labels { ${written.join(', ')} }: requests to "${subset.name}" fail`,
    hintForLabels(wanted, known),
  );
}

/** Names what the endpoints have instead of the first label that none of them has. */
function hintForLabels(wanted: Labels, known: readonly Labels[]): string | undefined {
  for (const [key, value] of Object.entries(wanted)) {
    const values = new Set(known.flatMap((labels) => ownValue(labels, key) ?? []));
    if (values.size === 0)
      return didYouMean(key, new Set(known.flatMap((labels) => Object.keys(labels)))) ?? `none has the label "${key}"`;
    if (!values.has(value)) return `they have ${key}: ${[...values].sort().slice(0, maxValues).join(', ')}`;
  }
  return undefined;
}

/** Most often only the Pods are missing. */
function sayUnlabelled(host: string, subsets: HostRule['subsets']): void {
  for (const { place } of [...subsets.values()].slice(0, 1)) {
    place.warn(
      `nothing is known of the labels of any endpoint of ${host}: its subsets are empty`,
      'Pods are needed beside the EndpointSlices, labels on the endpoints of a ServiceEntry',
    );
  }
}

function byName<Resource>(
  resources: readonly Resource[],
  nameOf: (resource: Resource) => string,
): Map<string, Resource> {
  const entries = resources.map((resource): [string, Resource] => [nameOf(resource), resource]);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
