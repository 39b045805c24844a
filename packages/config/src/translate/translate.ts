import type { ResourceSet } from '@inmesh/xds';
import { asSdk, Client, type ClientTraits, type ClientView, traitsOfBoth } from '../client.js';
import { inDialectOf } from '../dialects/dialect.js';
import { addBootstraps } from '../envoy/add-bootstraps.js';
import { isBootstrapObject } from '../envoy/bootstrap-object.js';
import type { Issue } from '../issues.js';
import { isLimitsObject } from '../limits-object.js';
import { Memory } from '../memory.js';
import type { ConfigObject } from '../objects.js';
import { type LoadOptions, settingsOf } from '../options.js';
import { readObjects } from '../read-objects.js';
import { buildSecrets } from '../secrets/build-secrets.js';
import { BackendTlsPolicies } from './backend-tls/backend-tls-policies.js';
import { Delegates } from './delegates.js';
import { DestinationRules } from './destination-rules.js';
import { Destinations } from './destinations.js';
import { Egress } from './egress.js';
import { buildGatewayResources } from './gateway-routes.js';
import { Gateways } from './gateways.js';
import { NodeIndex } from './nodes.js';
import { RateLimits } from './rate-limits.js';
import { buildRegistry } from './registry.js';
import { buildResources } from './resources.js';
import { buildInbound } from './security/build-inbound.js';
import { MeshTls } from './security/mesh-tls.js';
import { PeerModes } from './security/peer-modes.js';
import { type SelectingPolicy, selectingPolicies } from './security/selecting-policies.js';
import { ServiceRoutes } from './service-routes.js';
import { VirtualServices } from './virtual-services.js';
import { PodIndex } from './workloads.js';

export interface Translation {
  readonly resources: ResourceSet;
  readonly issues: readonly Issue[];
  /** What of the client made a difference: others that are like it in this would be told the same. */
  readonly client: ClientTraits;
  /** Policies with a selector, of any namespace. */
  readonly selecting: readonly SelectingPolicy[];
}

/** Objects of Kubernetes, Istio and the Gateway API as xDS resources. Equal objects give equal bytes. */
export function translate(
  written: readonly ConfigObject[],
  options: LoadOptions = {},
  memory = new Memory(),
): Translation {
  const { client } = options;
  const sdk = client === undefined ? options : { ...options, client: asSdk(client) };
  const forSdk = translateForSdk(written, sdk, memory);
  return client === undefined ? forSdk : inDialect(forSdk, client, memory);
}

/** The last step: what was made for an SDK in the form that this client takes, who is like that SDK in all else. */
export function inDialect<Made extends Translation>(made: Made, view: ClientView, memory: Memory): Made {
  const client = new Client(view, memory);
  memory.client = client;
  const resources = inDialectOf(client, made.resources, memory);
  return { ...made, resources, client: traitsOfBoth(made.client, client.asked) };
}

function translateForSdk(written: readonly ConfigObject[], options: LoadOptions, memory: Memory): Translation {
  const settings = settingsOf(options, memory);
  const world = memory.begin();
  world.client = settings.client;
  const bootstraps = memory.recallRuns('bootstraps', written, (run) => run.filter(isBootstrapObject)).flat();
  const limits = memory.recallRuns('limits', written, (run) => run.filter(isLimitsObject)).flat();
  const objects = readObjects(written, settings.defaultNamespace, memory);
  world.grants = objects.ReferenceGrant;
  const pods = memory.recall(objects.Pod, 'index', [], () => new PodIndex(objects.Pod, memory));
  const nodes = memory.recall(objects.Node, 'index', [], () => new NodeIndex(objects.Node, memory));
  world.pods = pods;
  world.nodes = nodes;
  const registry = buildRegistry(objects, { pods, nodes }, settings);
  world.registry = registry;
  const destinationRules = new DestinationRules(objects.DestinationRule, registry, settings);
  world.destinationRules = destinationRules;
  const backendTls = memory.recall(objects.BackendTLSPolicy, 'attached', [objects.ConfigMap], () => {
    return new BackendTlsPolicies(objects, registry, settings);
  });
  world.backendTls = backendTls;
  const destinations = new Destinations(registry, destinationRules, settings);
  const gateways = new Gateways(objects.Gateway, settings);
  const delegates = new Delegates(objects.VirtualService, memory);
  world.delegates = delegates;
  const rules = { delegates, destinations, registry, gateways };
  const virtualServices = new VirtualServices(objects.VirtualService, rules, settings);
  world.virtualServices = virtualServices;
  const serviceRoutes = new ServiceRoutes(objects, registry, virtualServices, destinations, settings);
  world.serviceRoutes = serviceRoutes;
  const rateLimits = memory.recallOf('rate limits', limits, () => new RateLimits(limits, registry, settings));
  world.rateLimits = rateLimits;
  const egress = memory.recall(objects.Sidecar, 'egress', [settings.client.egress], () => {
    return new Egress(objects.Sidecar, settings);
  });
  world.egress = egress;
  const gateway = buildGatewayResources(gateways, { virtualServices, destinations, settings });
  const peerModes = memory.recall(objects.PeerAuthentication, 'modes', [], () => {
    return new PeerModes(objects.PeerAuthentication, settings);
  });
  world.peerModes = peerModes;
  const inbound = buildInbound(objects, peerModes, registry, settings);
  const meshTls = new MeshTls(memory);
  const built = buildResources(
    registry,
    { destinationRules, backendTls, virtualServices, serviceRoutes, rateLimits, egress, gateway, inbound, meshTls },
    settings,
  );
  const secrets = buildSecrets(objects.Secret, backendTls.secrets(), settings);
  const resources = { ...addBootstraps(built, bootstraps, memory), secrets };
  const selecting = selectingPolicies(objects);
  return { resources, issues: memory.issues(), client: settings.client.asked, selecting };
}
