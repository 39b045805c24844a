import type { ResourceSet } from '@inmesh/xds';
import { asSdk, Client, type ClientTraits, type ClientView, traitsOfBoth } from '../client.js';
import { inDialectOf } from '../dialects/dialect.js';
import { addBootstraps } from '../envoy/add-bootstraps.js';
import { isBootstrapObject } from '../envoy/bootstrap-object.js';
import { type Issue, IssueList } from '../issues.js';
import { isLimitsObject } from '../limits-object.js';
import type { ConfigObject } from '../objects.js';
import { type LoadOptions, settingsOf } from '../options.js';
import { readObjects } from '../read-objects.js';
import { buildSecrets } from '../secrets/build-secrets.js';
import { DestinationRules } from './destination-rules.js';
import { Destinations } from './destinations.js';
import { Egress } from './egress.js';
import { buildGatewayResources } from './gateway-routes.js';
import { Gateways } from './gateways.js';
import { HttpRoutes } from './http-routes.js';
import { RateLimits } from './rate-limits.js';
import { buildRegistry } from './registry.js';
import { buildResources } from './resources.js';
import { buildInbound } from './security/build-inbound.js';
import { MeshTls } from './security/mesh-tls.js';
import { PeerModes } from './security/peer-modes.js';
import { type SelectingPolicy, selectingPolicies } from './security/selecting-policies.js';
import { VirtualServices } from './virtual-services.js';

export interface Translation {
  readonly resources: ResourceSet;
  readonly issues: readonly Issue[];
  /** What of the client made a difference: others that are like it in this would be told the same. */
  readonly client: ClientTraits;
  /** Policies with a selector, of any namespace. */
  readonly selecting: readonly SelectingPolicy[];
}

/** Objects of Kubernetes, Istio and the Gateway API as xDS resources. Equal objects give equal bytes. */
export function translate(written: readonly ConfigObject[], options: LoadOptions = {}): Translation {
  const { client } = options;
  const forSdk = translateForSdk(written, client === undefined ? options : { ...options, client: asSdk(client) });
  return client === undefined ? forSdk : inDialect(forSdk, client);
}

/** The last step: what was made for an SDK in the form that this client takes, who is like that SDK in all else. */
export function inDialect<Made extends Translation>(made: Made, view: ClientView): Made {
  const client = new Client(view);
  const resources = inDialectOf(client, made.resources);
  return { ...made, resources, client: traitsOfBoth(made.client, client.asked) };
}

function translateForSdk(written: readonly ConfigObject[], options: LoadOptions): Translation {
  const settings = settingsOf(options);
  const issues = new IssueList();
  const bootstraps = written.filter(isBootstrapObject);
  const kubernetes = written.filter((object) => !isBootstrapObject(object) && !isLimitsObject(object));
  const objects = readObjects(kubernetes, settings.defaultNamespace, issues);
  const registry = buildRegistry(objects, settings);
  const destinationRules = new DestinationRules(objects.DestinationRule, registry, settings);
  const destinations = new Destinations(registry, destinationRules, settings);
  const gateways = new Gateways(objects.Gateway, settings);
  const virtualServices = new VirtualServices(objects.VirtualService, destinations, registry, gateways, settings);
  const httpRoutes = new HttpRoutes(objects, registry, virtualServices, destinations, settings);
  const rateLimits = new RateLimits(written.filter(isLimitsObject), registry, settings, issues);
  const egress = new Egress(objects.Sidecar, settings);
  const gateway = buildGatewayResources(gateways, { virtualServices, destinations, settings });
  const peerModes = new PeerModes(objects.PeerAuthentication, settings);
  const inbound = buildInbound(objects, peerModes, registry, settings);
  const meshTls = new MeshTls(peerModes);
  const built = buildResources(
    registry,
    { destinationRules, virtualServices, httpRoutes, rateLimits, egress, gateway, inbound, meshTls },
    settings,
  );
  const secrets = buildSecrets(objects.Secret, settings);
  const resources = { ...addBootstraps(built, bootstraps, issues), secrets };
  const selecting = selectingPolicies(objects);
  return { resources, issues: issues.sorted(), client: settings.client.asked, selecting };
}
