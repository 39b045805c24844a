import { fromBinary } from '@bufbuild/protobuf';
import { HttpConnectionManagerSchema, type HttpFilter, type Listener } from '@inmesh/xds/messages';
import type { Client } from '../../client.js';
import type { Memory } from '../../memory.js';
import { buildHttpFilters } from '../../translate/filter-configs.js';
import { buildListener } from '../../translate/listeners.js';
import type { Entry } from '../entries.js';
import { domainsFor } from '../short-names.js';

/**
 * A listener for each name that may be dialled: `xds:///reviews.default:9080` means the Service too, and gRPC knows no search
 * domains. It asks for listeners by name, so those with a wildcard are for nobody.
 */
export function grpcListeners(entries: readonly Entry[], client: Client, memory: Memory): Listener[] {
  const listed = entries.map((entry) => memory.recall(entry, 'for grpc', [], () => listenersOf(entry, client)));
  const own = new Map(listed.map(([listener]) => [listener.name, listener]));
  for (const [, ...others] of listed) {
    for (const listener of others) if (!own.has(listener.name)) own.set(listener.name, listener);
  }
  return [...own.values()];
}

/** Its own, and one for each other name. */
function listenersOf(entry: Entry, client: Client): readonly [Listener, ...Listener[]] {
  const listener = asGrpcListener(entry);
  return [listener, ...otherNames(entry, client).map((name) => ({ ...listener, name }))];
}

/** The other names of the virtual host that the entry leads to, with its port. */
function otherNames({ name, port, routes }: Entry, client: Client): string[] {
  const host = routes.virtualHosts.find(({ domains }) => domains.includes(name));
  if (host === undefined) return [];
  return domainsFor(host, client).filter((domain) => domain.endsWith(`:${port}`) && !domain.includes('*'));
}

const knownFilters = buildHttpFilters().map(({ name }) => name);

/** What an Envoy file says of its connections is for proxies: gRPC refuses filters that it does not know. */
function asGrpcListener({ name, listener, routes }: Entry): Listener {
  return hasKnownFiltersOnly(listener) ? listener : buildListener(name, routes.name);
}

function hasKnownFiltersOnly({ apiListener }: Listener): boolean {
  const packed = apiListener?.apiListener;
  if (packed === undefined) return false;
  const { httpFilters, commonHttpProtocolOptions } = fromBinary(HttpConnectionManagerSchema, packed.value);
  // gRPC for Node takes its idle timeout for a deadline.
  return commonHttpProtocolOptions === undefined && sameNames(httpFilters);
}

function sameNames(filters: readonly HttpFilter[]): boolean {
  return filters.length === knownFilters.length && filters.every(({ name }, index) => name === knownFilters[index]);
}
