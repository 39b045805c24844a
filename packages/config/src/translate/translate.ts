import type { ResourceSet } from '@inmesh/xds';
import { type Issue, IssueList } from '../issues.js';
import type { ConfigObject } from '../objects.js';
import { type LoadOptions, settingsOf } from '../options.js';
import { readObjects } from '../read-objects.js';
import { DestinationRules } from './destination-rules.js';
import { Destinations } from './destinations.js';
import { HttpRoutes } from './http-routes.js';
import { buildRegistry } from './registry.js';
import { buildResources } from './resources.js';
import { VirtualServices } from './virtual-services.js';

export interface Translation {
  readonly resources: ResourceSet;
  readonly issues: readonly Issue[];
}

/** Objects of Kubernetes, Istio and the Gateway API as xDS resources. Equal objects give equal bytes. */
export function translate(written: readonly ConfigObject[], options: LoadOptions = {}): Translation {
  const settings = settingsOf(options);
  const issues = new IssueList();
  const objects = readObjects(written, settings.defaultNamespace, issues);
  const registry = buildRegistry(objects, settings);
  const destinationRules = new DestinationRules(objects.DestinationRule, registry, settings);
  const destinations = new Destinations(registry, destinationRules, settings);
  const virtualServices = new VirtualServices(objects.VirtualService, destinations, registry, settings);
  const httpRoutes = new HttpRoutes(objects, registry, virtualServices, settings);
  const resources = buildResources(registry, { destinationRules, virtualServices, httpRoutes });
  return { resources, issues: issues.sorted() };
}
