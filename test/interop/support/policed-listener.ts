import { type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import { loadConfig } from '@inmesh/config';
import { ListenerSchema } from '@inmesh/xds/messages';
import { knownTypes } from '@inmesh/xds/server';
import type { TestIdentity } from '../../support/mesh-authority.js';
import { socketAddress } from './envoy-bootstrap.js';

type Chain = JsonObject & { filters: { typedConfig: JsonObject }[]; transportSocket?: { typedConfig: JsonObject } };

/**
 * A listener of a real Envoy with all that inmesh writes for a workload: its chains, connection managers and filters are the
 * translation's own. Only what is beyond loopback is replaced: the address, the source of certificates and the route, which
 * answers 200 unless another is given.
 */
export function policedListener(
  files: Readonly<Record<string, string>>,
  port: number,
  /** Undefined: in plain text. */
  identity: TestIdentity | undefined,
  route: JsonObject = { directResponse: { status: 200, body: { inlineString: 'hello' } } },
): JsonObject {
  const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
  const { resources, issues } = loadConfig(sources, { client: { namespace: 'default' } });
  const errors = issues.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(`the policies have errors: ${JSON.stringify(errors)}`);
  const inbound = resources.listeners.get('virtualInbound');
  if (inbound === undefined) throw new Error('no policy is for the workload');
  const listener = toJson(ListenerSchema, inbound, { registry: knownTypes() }) as JsonObject;
  const chains = (listener.filterChains as Chain[]).filter(
    ({ filterChainMatch }) => isOfTls(filterChainMatch) === (identity !== undefined),
  );
  for (const { filters, transportSocket } of chains) {
    filters[0]!.typedConfig.routeConfig = routesOf(route);
    if (transportSocket && identity) transportSocket.typedConfig.commonTlsContext = tlsContext(identity);
  }
  return {
    name: `policed-${port}`,
    address: socketAddress(`127.0.0.1:${port}`),
    listenerFilters,
    filterChains: chains,
  };
}

function isOfTls(match: JsonValue | undefined): boolean {
  return (match as JsonObject | undefined)?.transportProtocol === 'tls';
}

const listenerFilters = [
  {
    name: 'envoy.filters.listener.tls_inspector',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
    },
  },
];

function routesOf(route: JsonObject): JsonObject {
  return { virtualHosts: [{ name: 'any', domains: ['*'], routes: [{ match: { prefix: '/' }, ...route }] }] };
}

function tlsContext({ chain, key, bundle }: TestIdentity): JsonObject {
  return {
    tlsCertificates: [{ certificateChain: { inlineString: chain }, privateKey: { inlineString: key } }],
    validationContext: { trustedCa: { inlineString: bundle } },
  };
}
