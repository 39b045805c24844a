import type { InboundChain, InboundListener, Listener as ListenerModel } from '@inmesh/core';
import {
  type FilterChainMatch,
  FilterChainMatchSchema,
  HttpConnectionManagerSchema,
  type Listener,
  TrafficDirection,
} from '../messages.js';
import { checkClientAddress } from './check-client-address.js';
import { type DownstreamTls, decodeDownstreamTls } from './decode-downstream-tls.js';
import { decodePathNormalization } from './decode-path-normalization.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeInboundFilters } from './inbound-http-filters.js';
import { inboundManagerOf } from './inbound-managers.js';
import { inboundListenerName } from './inbound-name.js';
import { type ChainAt, tcpWays, wayOf } from './inbound-tcp-chains.js';
import { reportUnknown } from './unknown-fields.js';
import { anyIs } from './unpack-any.js';

/** Where a sidecar takes redirected connections, which no workload listens on. */
const proxyPort = 15_006;

export function isInbound({ name, trafficDirection, apiListener }: Listener): boolean {
  return name === inboundListenerName || (trafficDirection === TrafficDirection.INBOUND && apiListener === undefined);
}

/** Nothing comes in: what a workload demanded of its callers is not known. */
export function closedInbound(name: string): InboundListener {
  return Object.freeze({ name, chains: Object.freeze([]) });
}

/** What a workload demands of those that call it, a filter chain for each way in. */
export function decodeInboundListener(message: Listener, at: FieldScope): InboundListener {
  reportUnsupported(message, at);
  if (message.apiListener !== undefined) at.field('api_listener').error('is for calls that go out');
  if (message.filterChainMatcher !== undefined) at.field('filter_chain_matcher').error('is not supported');
  const ownPort = message.useOriginalDst === true || message.name === inboundListenerName ? 0 : portOf(message);
  const chains = chainsOf(message, at);
  if (chains.length === 0) at.field('filter_chains').error('is empty: nothing could come in');
  else if (!chains.some(isHttp)) at.field('filter_chains').error('have no HTTP connection manager');
  const http = chains.filter(isHttp).flatMap((one) => decodeChain(one, ownPort) ?? []);
  checkDistinct(http, at);
  const tcp = chains.filter((one) => !isHttp(one));
  return { name: message.name, chains: [...http, ...tcpWays(tcp, http, ownPort)] };
}

/** Without the one that keeps a sidecar from calling itself. */
function chainsOf({ filterChains, defaultFilterChain: last }: Listener, at: FieldScope): ChainAt[] {
  const all = at.each('filter_chains', filterChains, (chain, scope): ChainAt => ({ chain, at: scope }));
  if (last !== undefined) all.push({ chain: last, at: at.field('default_filter_chain') });
  return all.filter(({ chain }) => chain.filterChainMatch?.destinationPort !== proxyPort);
}

function isHttp({ chain: { filters } }: ChainAt): boolean {
  return filters.some(
    ({ configType }) => configType.case === 'typedConfig' && anyIs(configType.value, HttpConnectionManagerSchema),
  );
}

/** An outbound entry that nobody dials: no authority has a space in it. */
export function undialled(name: string): ListenerModel {
  return { name, routes: { name, virtualHosts: [] } };
}

function portOf({ address }: Listener): number {
  if (address?.address.case !== 'socketAddress') return 0;
  const { portSpecifier } = address.address.value;
  return portSpecifier.case === 'portValue' ? portSpecifier.value : 0;
}

function decodeChain({ chain: message, at }: ChainAt, ownPort: number): InboundChain | undefined {
  reportUnsupported(message, at);
  const scope = at.field('filter_chain_match');
  const { filterChainMatch: match } = message;
  if (match !== undefined) {
    reportUnknown(FilterChainMatchSchema, match, scope);
    reportUnsupported(match, scope);
  }
  const tls = decodeDownstreamTls(message.transportSocket, at.field('transport_socket'));
  if (match !== undefined) checkProtocols(match, tls, scope);
  const entry = inboundManagerOf(message, at);
  if (entry === undefined) return undefined;
  const filters = decodeInboundFilters(entry.manager.httpFilters, entry.at);
  checkClientAddress(entry.manager, filters, entry.at);
  const pathNormalization = decodePathNormalization(entry.manager, entry.at);
  const peers = tls?.peers && [{ kind: 'rbac', rules: tls.peers, shadow: false } as const];
  return {
    port: match?.destinationPort ?? ownPort,
    transport: tls === undefined ? 'plaintext' : 'tls',
    clientCertificate: tls?.clientCertificate ?? 'optional',
    filters: [...(peers ?? []), ...filters],
    ...(pathNormalization !== 'base' && { pathNormalization }),
  };
}

/** Of HTTP, and of the names by which Istio's sidecars tell each other that they speak mutual TLS. */
const knownProtocol = /^(istio|istio-peer-exchange|(istio-)?(http\/1\.[01]|h2c?))$/;

function checkProtocols(
  { transportProtocol, applicationProtocols }: FilterChainMatch,
  tls: DownstreamTls | undefined,
  at: FieldScope,
) {
  const scope = at.field('transport_protocol');
  if (transportProtocol === 'tls' && tls === undefined) scope.error('is "tls", but the chain has no TLS context');
  if (transportProtocol === 'raw_buffer' && tls !== undefined)
    scope.error('is "raw_buffer", but the chain has a TLS context');
  if (!['', 'tls', 'raw_buffer'].includes(transportProtocol)) scope.error(`"${transportProtocol}" is not supported`);
  at.each('application_protocols', applicationProtocols, (protocol, itemScope) =>
    knownProtocol.test(protocol) ? undefined : itemScope.error(`"${protocol}" is not supported`),
  );
}

/** Of two chains for the same way Envoy takes the one whose other conditions fit, of which there are none here. */
function checkDistinct(chains: readonly InboundChain[], at: FieldScope): void {
  const known = new Set<string>();
  for (const { port, transport } of chains) {
    const way = wayOf({ port, transport });
    if (known.has(way)) at.field('filter_chains').error(`have two for ${way}`);
    known.add(way);
  }
}
