import { readdirSync, readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { anyIs } from '@bufbuild/protobuf/wkt';
import { HttpConnectionManagerSchema, type Listener } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/index.js';
import { clientIn } from './golden-client.js';

// What makes an Envoy refuse a resource that stands in several, and what would leave it waiting for one.

const folder = new URL('./golden/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.in.yaml') && !name.startsWith('client-'));

const views = [
  ['redirected', {}],
  ['not redirected', { interception: 'NONE' }],
  ['a proxy', { proxyPort: 15_080 }],
  ['of the registry only', { egress: 'REGISTRY_ONLY' }],
] as const;

const cases = names.flatMap((name) => views.map(([title, view]) => ({ name, title, view })));

describe.each(cases)('$name for an Envoy that is $title', ({ name, view }) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const { client = { namespace: 'default' } } = clientIn(text);
  const { resources } = loadConfig([{ path: name, text }], { client: { ...client, kind: 'envoy', ...view } });

  it('has each domain and each virtual host of a route configuration once', () => {
    for (const { virtualHosts } of resources.routes.values()) {
      const domains = virtualHosts.flatMap((host) => host.domains.map((domain) => domain.toLowerCase()));
      const hosts = virtualHosts.map((host) => host.name);
      expect([new Set(domains).size, new Set(hosts).size]).toEqual([domains.length, hosts.length]);
      expect(domains).toContain('*');
    }
  });

  it('has the routes that listeners name, the router last, and each address once', () => {
    const managers = [...resources.listeners.values()].flatMap(managersOf);
    expect(managers.filter(({ routeSpecifier }) => routeSpecifier.case !== 'rds')).toEqual([]);
    for (const { routeSpecifier, httpFilters } of managers) {
      const routes = routeSpecifier.case === 'rds' ? routeSpecifier.value.routeConfigName : '';
      expect([resources.routes.has(routes), httpFilters.at(-1)?.name]).toEqual([true, 'envoy.filters.http.router']);
    }
    const addresses = [...resources.listeners.values()].map(({ address }) => JSON.stringify(address));
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('has the endpoints of each cluster that gets them by EDS', () => {
    const missing = [...resources.clusters.values()].flatMap(({ name: cluster, edsClusterConfig: eds }) =>
      eds === undefined || resources.assignments.has(eds.serviceName || cluster) ? [] : [cluster],
    );
    expect(missing).toEqual([]);
  });
});

function managersOf({ filterChains }: Listener) {
  return filterChains
    .flatMap(({ filters }) => filters)
    .flatMap(({ configType: { case: kind, value } }) =>
      kind === 'typedConfig' && anyIs(value, HttpConnectionManagerSchema)
        ? [fromBinary(HttpConnectionManagerSchema, value.value)]
        : [],
    );
}
