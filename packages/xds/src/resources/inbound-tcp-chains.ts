import type { InboundChain } from '@inmesh/core';
import { type FilterChain, TcpProxySchema } from '../messages.js';
import { decodeDownstreamTls } from './decode-downstream-tls.js';
import { formatFieldErrors } from './decode-result.js';
import { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { anyIs } from './unpack-any.js';

export interface ChainAt {
  readonly chain: FilterChain;
  readonly at: FieldScope;
}

/** Network filters of istiod that let everyone in. */
export const harmlessNetworkFilters: readonly string[] = [
  'istio.metadata_exchange',
  'envoy.filters.network.metadata_exchange',
  'istio.stats',
];

/** A way in, of which every chain has one. */
export function wayOf({ port, transport }: Pick<InboundChain, 'port' | 'transport'>): string {
  return `${port === 0 ? 'every other port' : `port ${port}`}, ${transport}`;
}

/**
 * The ways in that have chains for TCP alone: there HTTP is let in as any TCP would be. Istiod writes chains for TCP beside
 * those for HTTP too, for connections that turn out to speak something else; no request comes by them.
 */
export function tcpWays(chains: readonly ChainAt[], http: readonly InboundChain[], ownPort: number): InboundChain[] {
  const taken = new Set(http.map(wayOf));
  const ways = new Map<string, InboundChain>();
  for (const { chain, at } of chains) {
    if (isPassedOn(chain)) continue;
    const way = readWay(chain, ownPort, at, taken);
    if (way === undefined) continue;
    // Of several for one way, which differ in what cannot be looked at here, the closed one counts.
    if (way.filters.includes(nobody) || !ways.has(wayOf(way))) ways.set(wayOf(way), way);
  }
  return [...ways.values()];
}

/** TLS that the workload ends itself: to policies it is plain text, for which there is another chain. */
function isPassedOn({ filterChainMatch, transportSocket }: FilterChain): boolean {
  return filterChainMatch?.transportProtocol === 'tls' && transportSocket === undefined;
}

function readWay(
  chain: FilterChain,
  ownPort: number,
  at: FieldScope,
  taken: ReadonlySet<string>,
): InboundChain | undefined {
  const way = {
    port: chain.filterChainMatch?.destinationPort ?? ownPort,
    transport: isTls(chain) ? 'tls' : 'plaintext',
  } as const;
  if (taken.has(wayOf(way))) return undefined;
  const read = FieldScope.collect((scope) => readTcp(chain, scope));
  if (read.ok) return { ...way, ...read.value };
  at.warn(`${wayOf(way)} is closed to HTTP: ${formatFieldErrors(read.errors)}`);
  return { ...way, clientCertificate: way.transport === 'tls' ? 'required' : 'optional', filters: [nobody] };
}

/** A rule that allows, and whom it allows is nobody. */
const nobody = Object.freeze({
  kind: 'rbac',
  shadow: false,
  rules: Object.freeze({ action: 'allow', policies: Object.freeze([]) }),
} as const);

function isTls({ transportSocket }: FilterChain): boolean {
  const type = transportSocket?.configType;
  return type?.case === 'typedConfig' && !type.value.typeUrl.endsWith('.RawBuffer');
}

/** What keeps somebody out of TCP might keep out HTTP: such a chain is not taken for an open way. */
function readTcp(chain: FilterChain, at: FieldScope): Pick<InboundChain, 'clientCertificate' | 'filters'> {
  reportUnsupported(chain, at);
  if (chain.filterChainMatch !== undefined) reportUnsupported(chain.filterChainMatch, at.field('filter_chain_match'));
  if (chain.filters.length === 0) at.field('filters').error('is empty: nothing is let in');
  at.each('filters', chain.filters, ({ name, configType }, scope) => {
    const isProxy = configType.case === 'typedConfig' && anyIs(configType.value, TcpProxySchema);
    if (!isProxy && !harmlessNetworkFilters.includes(name)) scope.error(`"${name}" may decide who is let in`);
  });
  const tls = decodeDownstreamTls(chain.transportSocket, at.field('transport_socket'));
  return {
    clientCertificate: tls?.clientCertificate ?? 'optional',
    filters: tls?.peers === undefined ? [] : [{ kind: 'rbac', rules: tls.peers, shadow: false }],
  };
}
