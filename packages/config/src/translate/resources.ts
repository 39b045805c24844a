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
import type { Memory } from '../memory.js';
import type { Settings } from '../options.js';
import { buildAssignment } from './assignments.js';
import { type BackendTlsPolicies, sayOverridden } from './backend-tls/backend-tls-policies.js';
import { buildBlockAll, everyOtherHost } from './block-all.js';
import { buildCluster } from './clusters.js';
import type { DestinationRules, HostRule, PlacedSubset } from './destination-rules.js';
import { asDialled } from './dialled.js';
import type { Egress } from './egress.js';
import { sayEmptySubsets } from './empty-subsets.js';
import type { GatewayResources } from './gateway-routes.js';
import { hashPoliciesFor } from './hash-policies.js';
import { buildMatch } from './http-matches.js';
import { buildInvalidBackendCluster, invalidBackend } from './invalid-backend.js';
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
import type { ServiceRoutes } from './service-routes.js';
import { type ClusterPolicy, policyFor, withBackendTls } from './traffic-policy.js';
import type { VirtualServices } from './virtual-services.js';
import { hasLabels } from './workloads.js';

export interface Rules {
  readonly destinationRules: DestinationRules;
  readonly backendTls: BackendTlsPolicies;
  readonly virtualServices: VirtualServices;
  readonly serviceRoutes: ServiceRoutes;
  readonly rateLimits: RateLimits;
  readonly egress: Egress;
  readonly gateway: GatewayResources;
  /** What the client itself demands of its callers. */
  readonly inbound: Listener | undefined;
  readonly meshTls: MeshTls;
}

/** Everything that a client is told, each map sorted by name. */
export function buildResources(registry: Registry, rules: Rules, settings: Settings): ResourceSet {
  const { memory } = settings;
  const builder = new Builder(rules, settings);
  const services = registry.sorted();
  const hosts = memory
    .recallRuns('listeners', services, (run) => {
      return run.flatMap((service) => memory.recall(service, 'listeners', [], () => builder.listenersOf(service)));
    })
    .flat();
  if (rules.egress.registryOnly) hosts.push(listed(everyOtherHost, buildBlockAll()));
  // After the services: what a Gateway has a rule for is routed by it.
  const routes = [...hosts.map((host) => host.routes), ...rules.gateway.routes];
  const listeners = [...hosts.map(({ listener }) => listener), ...rules.gateway.listeners];
  if (rules.inbound !== undefined) listeners.push(rules.inbound);
  const referenced = referencedClusters(routes);
  memory.referenced = referenced;
  const clusters = memory
    .recallRuns('clusters', services, (run) => {
      return run.flatMap((service) => memory.recall(service, 'clusters', [], () => builder.clustersOf(service)));
    })
    .flat();
  if (referenced.has(invalidBackend)) clusters.push(withAssignment(buildInvalidBackendCluster(), []));
  return {
    listeners: byName(listeners, ({ name }) => name, memory),
    routes: byName(routes, ({ name }) => name, memory),
    clusters: byName(
      clusters.map(({ cluster }) => cluster),
      ({ name }) => name,
      memory,
    ),
    assignments: byName(
      clusters.flatMap(({ assignment }) => assignment ?? []),
      (assignment) => assignment.clusterName,
      memory,
    ),
  };
}

/** A name that is dialled, and the routes of calls to it. */
interface Listed {
  readonly listener: Listener;
  readonly routes: RouteConfiguration;
}

function listed(name: string, routes: RouteConfiguration, isOpaque = false): Listed {
  const listener = buildListener(name, routes.name);
  return { listener: isOpaque ? markOpaque(listener) : listener, routes };
}

interface Clustered {
  readonly cluster: Cluster;
  /** Undefined where its endpoints do not come by EDS. */
  readonly assignment: ClusterLoadAssignment | undefined;
}

function withAssignment(cluster: Cluster, groups: readonly LocalityGroup[]): Clustered {
  const isByEds = cluster.edsClusterConfig !== undefined;
  return { cluster, assignment: isByEds ? buildAssignment(cluster.name, groups) : undefined };
}

class Builder {
  constructor(
    private readonly rules: Rules,
    private readonly settings: Settings,
  ) {}

  listenersOf(service: MeshService): Listed[] {
    const { egress, rateLimits } = this.rules;
    return service.ports.flatMap((port) => {
      // What is not HTTP has no routes, but where nothing else may be called, what is listed has to be.
      const isOpaque = port.protocol === 'opaque';
      if ((isOpaque && !egress.registryOnly) || !egress.sees(service, port)) return [];
      const routes = rateLimits.addTo(service, this.#routesOf(service, port));
      const configuration = buildRouteConfiguration(service, port, routes);
      return [listed(configuration.name, configuration, isOpaque)];
    });
  }

  clustersOf(service: MeshService): Clustered[] {
    const { destinationRules, backendTls, egress } = this.rules;
    const rule = destinationRules.of(service);
    sayEmptySubsets(service, rule);
    return service.ports.flatMap((port) => {
      const isSeen = egress.sees(service, port);
      const tls = backendTls.of(service, port);
      if (tls !== undefined) sayOverridden(tls, service, policyFor(rule.policy, undefined, port.number));
      return clustersOf(port, rule)
        .filter(({ subset }) => {
          const isOffered = isSeen && !rule.hiddenSubsets.includes(subset);
          return isOffered || this.#isReferenced(clusterName(service.host, port.number, subset));
        })
        .map(({ policy, ...cluster }) =>
          this.#clusterOf(service, port, { ...cluster, policy: withBackendTls(policy, tls) }),
        );
    });
  }

  /** Whether routes of hosts that are seen lead to it, be it seen itself or not. */
  #isReferenced(cluster: string): boolean {
    return this.settings.memory.ask('referenced', (names) => names.has(cluster));
  }

  #clusterOf(service: MeshService, port: MeshPort, { subset, endpoints, policy }: PortCluster): Clustered {
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
    return withAssignment(buildCluster(source), groups);
  }

  #routesOf(service: MeshService, port: MeshPort): readonly Route[] {
    const { virtualServices, serviceRoutes, destinationRules } = this.rules;
    const ofRules =
      port.protocol === 'opaque'
        ? undefined
        : (virtualServices.routesOf(service, port.number) ?? serviceRoutes.routesOf(service, port));
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
  memory: Memory,
): Map<string, Resource> {
  const names = resources.map(nameOf);
  // Names stay when what they stand for changes, and with them the order.
  const order = memory.recallOf('order', names, () => sortedIndexes(names));
  return memory.recallOf('by name', resources, () => {
    return new Map(order.map((index) => [names[index]!, resources[index]!]));
  });
}

function sortedIndexes(names: readonly string[]): readonly number[] {
  return [...names.keys()].sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
}
