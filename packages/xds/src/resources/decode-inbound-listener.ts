import type { InboundChain, InboundListener, Listener as ListenerModel } from '@inmesh/core';
import {
  type FilterChain,
  type FilterChainMatch,
  FilterChainMatchSchema,
  type Listener,
  TrafficDirection,
} from '../messages.js';
import { type DownstreamTls, decodeDownstreamTls } from './decode-downstream-tls.js';
import { decodePathNormalization } from './decode-path-normalization.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeInboundFilters } from './inbound-http-filters.js';
import { inboundManagerOf } from './inbound-managers.js';
import { reportUnknown } from './unknown-fields.js';

/** What istiod calls the listener for all ports of a workload. */
const virtualInbound = 'virtualInbound';

/** Where a sidecar takes redirected connections, which no workload listens on. */
const proxyPort = 15_006;

export function isInbound({ name, trafficDirection, apiListener }: Listener): boolean {
  return name === virtualInbound || (trafficDirection === TrafficDirection.INBOUND && apiListener === undefined);
}

/** Whether a listener that could not be read was one for what comes in. Only its name is known then. */
export function isInboundName(name: string): boolean {
  return name === virtualInbound || name.includes('/inbound/');
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
  const ownPort = message.useOriginalDst === true || message.name === virtualInbound ? 0 : portOf(message);
  const chains = at.each('filter_chains', message.filterChains, (chain, scope) => decodeChain(chain, ownPort, scope));
  const { defaultFilterChain: last } = message;
  const lastChain = last && decodeChain(last, ownPort, at.field('default_filter_chain'));
  const all = lastChain === undefined ? chains : [...chains, lastChain];
  if (all.length === 0) at.field('filter_chains').error('is empty: nothing could come in');
  checkDistinct(all, at);
  return { name: message.name, chains: all };
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

function decodeChain(message: FilterChain, ownPort: number, at: FieldScope): InboundChain | undefined {
  reportUnsupported(message, at);
  const scope = at.field('filter_chain_match');
  const { filterChainMatch: match } = message;
  if (match !== undefined) {
    reportUnknown(FilterChainMatchSchema, match, scope);
    reportUnsupported(match, scope);
    if (match.destinationPort === proxyPort) return undefined;
  }
  const tls = decodeDownstreamTls(message.transportSocket, at.field('transport_socket'));
  if (match !== undefined) checkProtocols(match, tls, scope);
  const entry = inboundManagerOf(message, at);
  if (entry === undefined) return undefined;
  const filters = decodeInboundFilters(entry.manager.httpFilters, entry.at);
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
    const way = `${port === 0 ? 'every other port' : `port ${port}`}, ${transport}`;
    if (known.has(way)) at.field('filter_chains').error(`have two for ${way}`);
    known.add(way);
  }
}
