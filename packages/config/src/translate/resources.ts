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
import type { Client } from '../client.js';
import type { Settings } from '../options.js';
import { buildAssignment } from './assignments.js';
import { buildBlockAll, everyOtherHost } from './block-all.js';
import { buildCluster } from './clusters.js';
import type { DestinationRules, HostRule, PlacedSubset } from './destination-rules.js';
import { asDialled } from './dialled.js';
import type { Egress } from './egress.js';
import { sayEmptySubsets } from './empty-subsets.js';
import type { GatewayResources } from './gateway-routes.js';
import { hashPoliciesFor } from './hash-policies.js';
import { buildMatch } from './http-matches.js';
import type { HttpRoutes } from './http-routes.js';
import { buildInvalidBackendCluster } from './invalid-backend.js';
import { buildListener, buildRouteConfiguration } from './listeners.js';
import type { LocalityGroup } from './locality-groups.js';
import { placeEndpoints } from './locality-placement.js';
import { localityModeOf, weighsLocalities } from './locality-settings.js';
import { clusterName, type MeshEndpoint, type MeshPort, type MeshService } from './mesh-service.js';
import { markOpaque } from './opaque-listeners.js';
import type { RateLimits } from './rate-limits.js';
import { referencedClusters } from './referenced-clusters.js';
import type { Registry } from './registry.js';
import { defaultRetries } from './retry-policies.js';
import { forwardTo } from './route-actions.js';
import { isByEndpoint, type MeshTls } from './security/mesh-tls.js';
import { type ClusterPolicy, policyFor } from './traffic-policy.js';
import type { VirtualServices } from './virtual-services.js';
import { hasLabels } from './workloads.js';

export interface Rules {
  readonly destinationRules: DestinationRules;
  readonly virtualServices: VirtualServices;
  readonly httpRoutes: HttpRoutes;
  readonly rateLimits: RateLimits;
  readonly egress: Egress;
  readonly gateway: GatewayResources;
  /** What the client itself demands of its callers. */
  readonly inbound: Listener | undefined;
  readonly meshTls: MeshTls;
}

/** Everything that a client is told, each map sorted by name. */
export function buildResources(registry: Registry, rules: Rules, settings: Settings): ResourceSet {
  const builder = new Builder(rules, settings);
  const services = registry.sorted();
  for (const service of services) builder.addListeners(service);
  if (rules.egress.registryOnly) builder.addListener(everyOtherHost, buildBlockAll());
  // After the services: what a Gateway has a rule for is routed by it.
  builder.routes.push(...rules.gateway.routes);
  builder.listeners.push(...rules.gateway.listeners);
  if (rules.inbound !== undefined) builder.listeners.push(rules.inbound);
  const referenced = referencedClusters(builder.routes);
  for (const service of services) builder.addClusters(service, referenced);
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

  constructor(
    private readonly rules: Rules,
    private readonly settings: Settings,
  ) {}

  addListeners(service: MeshService): void {
    const { egress, rateLimits } = this.rules;
    for (const port of service.ports) {
      // What is not HTTP has no routes, but where nothing else may be called, what is listed has to be.
      const isOpaque = port.protocol === 'opaque';
      if ((isOpaque && !egress.registryOnly) || !egress.sees(service, port)) continue;
      const routes = rateLimits.addTo(service, this.#routesOf(service, port));
      const configuration = buildRouteConfiguration(service, port, routes);
      this.addListener(configuration.name, configuration, isOpaque);
    }
  }

  addListener(name: string, configuration: RouteConfiguration, isOpaque = false): void {
    this.routes.push(configuration);
    const listener = buildListener(name, configuration.name);
    this.listeners.push(isOpaque ? markOpaque(listener) : listener);
  }

  /** @param referenced what routes of hosts that are seen lead to, be it seen itself or not */
  addClusters(service: MeshService, referenced: ReadonlySet<string>): void {
    const { destinationRules, egress } = this.rules;
    const rule = destinationRules.of(service);
    sayEmptySubsets(service, rule);
    for (const port of service.ports) {
      const isSeen = egress.sees(service, port);
      for (const cluster of clustersOf(port, rule)) {
        const name = clusterName(service.host, port.number, cluster.subset);
        if ((isSeen && !rule.hiddenSubsets.includes(cluster.subset)) || referenced.has(name)) {
          this.#addOne(service, port, cluster);
        }
      }
    }
  }

  addCluster(cluster: Cluster, groups: readonly LocalityGroup[]): void {
    this.clusters.push(cluster);
    if (cluster.edsClusterConfig !== undefined) this.assignments.push(buildAssignment(cluster.name, groups));
  }

  #addOne(service: MeshService, port: MeshPort, { subset, endpoints, policy }: PortCluster): void {
    const found =
      policy.loadBalancer?.simple === 'PASSTHROUGH'
        ? asDialled(service.host, port.number)
        : { discovery: port.discovery, endpoints };
    const mode = localityModeOf(policy, service);
    const { client, trustDomain } = this.settings;
    const called = endpointsFor(service, found.endpoints, client);
    const marked = isByEndpoint(service, policy) ? this.rules.meshTls.mark(called, service) : called;
    const groups = placeEndpoints(marked, mode, client);
    const { discovery } = found;
    const localityWeighted = weighsLocalities(mode);
    const source = { service, port, subset, discovery, groups, policy, localityWeighted, trustDomain };
    this.addCluster(buildCluster(source), groups);
  }

  #routesOf(service: MeshService, port: MeshPort): Route[] {
    const { virtualServices, httpRoutes, destinationRules } = this.rules;
    const ofRules =
      port.protocol === 'opaque'
        ? undefined
        : (virtualServices.routesOf(service, port.number) ?? httpRoutes.routesOf(service, port));
    return (
      ofRules ?? [defaultRoute(service, port, policyFor(destinationRules.of(service).policy, undefined, port.number))]
    );
  }
}

/** Of a port that no rule is for. Its name is Istio's. */
function defaultRoute({ host }: MeshService, { number }: MeshPort, policy: ClusterPolicy): Route {
  const target = { cluster: clusterName(host, number), weight: 1, hash: hashPoliciesFor(policy) };
  const action = forwardTo([target], defaultRetries);
  return create(RouteSchema, { name: 'default', match: buildMatch(), action: { case: 'route', value: action } });
}

interface PortCluster {
  /** Empty for all endpoints of the port. */
  readonly subset: string;
  readonly endpoints: readonly MeshEndpoint[];
  readonly policy: ClusterPolicy;
}

function clustersOf(port: MeshPort, { policy, subsets, hiddenSubsets }: HostRule): PortCluster[] {
  const all = { subset: '', endpoints: port.endpoints, policy: policyFor(policy, undefined, port.number) };
  const ofSubsets = [...subsets].map(([subset, placed]) => ({
    subset,
    endpoints: endpointsOf(port, placed),
    policy: policyFor(policy, placed.subset, port.number),
  }));
  const hidden = hiddenSubsets.map((subset) => ({ ...all, subset, endpoints: [] }));
  return [all, ...ofSubsets, ...hidden];
}

/** As kube-proxy, also where the Node has none; a client of which the Node is not known can call any. */
function endpointsFor(
  { isNodeLocal }: MeshService,
  endpoints: readonly MeshEndpoint[],
  client: Client,
): readonly MeshEndpoint[] {
  if (isNodeLocal !== true || client.nodeName === '') return endpoints;
  return endpoints.filter(({ nodeName }) => nodeName === client.nodeName);
}

function endpointsOf({ endpoints }: MeshPort, { subset }: PlacedSubset): MeshPort['endpoints'] {
  return endpoints.filter(({ labels = {} }) => hasLabels(labels, subset.labels ?? {}));
}

function byName<Resource>(
  resources: readonly Resource[],
  nameOf: (resource: Resource) => string,
): Map<string, Resource> {
  const entries = resources.map((resource): [string, Resource] => [nameOf(resource), resource]);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
