import type { UpstreamTls, UpstreamTransport } from '@inmesh/core';
import {
  type Cluster,
  type Cluster_TransportSocketMatch,
  type CommonTlsContext,
  type TransportSocket,
  UpstreamTlsContextSchema,
} from '../messages.js';
import { checkTlsParameters } from './check-tls-parameters.js';
import { decodeCertificate } from './decode-tls-sources.js';
import { decodeValidation, type Validation } from './decode-tls-validation.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { unpackTlsContext } from './unpack-tls-context.js';

/**
 * How the endpoints of a cluster are spoken to. What is not understood is refused: a cluster that asks for TLS is never
 * spoken to in clear text.
 */
export function decodeTransport(message: Cluster, at: FieldScope): UpstreamTransport {
  const forMesh = socketOf(message, true, at);
  const forOthers = socketOf(message, false, at);
  const [meshTls, otherTls] =
    forMesh.socket === forOthers.socket
      ? twice(decodeSocket(forMesh.socket, forMesh.at))
      : [decodeSocket(forMesh.socket, forMesh.at), decodeSocket(forOthers.socket, forOthers.at)];
  if (meshTls === undefined && otherTls === undefined) return plaintext;
  if (meshTls !== undefined && meshTls === otherTls) return { kind: 'tls', tls: meshTls };
  if (meshTls !== undefined && otherTls === undefined) return { kind: 'byEndpoint', tls: meshTls };
  at.field('transport_socket_matches').error(
    'are not supported: only endpoints with "tlsMode: istio" can have TLS of their own',
  );
  return plaintext;
}

const plaintext: UpstreamTransport = { kind: 'plaintext' };

function twice<Value>(value: Value): readonly [Value, Value] {
  return [value, value];
}

interface PlacedSocket {
  readonly socket: TransportSocket | undefined;
  readonly at: FieldScope;
}

/** The first match of an endpoint's metadata counts, and without one the cluster's own socket (Envoy cluster.proto). */
function socketOf({ transportSocket, transportSocketMatches }: Cluster, isMesh: boolean, at: FieldScope): PlacedSocket {
  const [found] = at.each('transport_socket_matches', transportSocketMatches, (match, scope) =>
    takes(match, isMesh, scope) ? { socket: match.transportSocket, at: scope.field('transport_socket') } : undefined,
  );
  return found ?? { socket: transportSocket, at: at.field('transport_socket') };
}

function takes({ match = {} }: Cluster_TransportSocketMatch, isMesh: boolean, at: FieldScope): boolean {
  const keys = Object.keys(match);
  if (keys.length === 0) return true;
  if (keys.length === 1 && match.tlsMode === 'istio') return isMesh;
  // Said once, although both kinds of endpoints are looked at.
  if (isMesh) at.field('match').error('is not supported: only {} and "tlsMode: istio" are');
  return false;
}

/** Undefined for plain text, and with an error. */
function decodeSocket(socket: TransportSocket | undefined, at: FieldScope): UpstreamTls | undefined {
  const message = unpackTlsContext(socket, UpstreamTlsContextSchema, at);
  return message && decodeUpstreamTls(message.commonTlsContext, message.sni, at.field('typed_config'));
}

function decodeUpstreamTls(common: CommonTlsContext | undefined, sni: string, at: FieldScope): UpstreamTls | undefined {
  const scope = at.field('common_tls_context');
  if (common === undefined) return scope.error('is missing: without it any certificate would be taken');
  reportUnsupported(common, scope);
  checkTlsParameters(common.tlsParams, scope.field('tls_params'));
  const certificate = decodeCertificate(common, scope);
  const validation = decodeValidation(common, scope);
  if (validation === undefined) return undefined;
  checkTrust(validation, scope);
  const { trust = { kind: 'system' }, subjectAltNames, dnsNames, skipVerify } = validation;
  return { certificate, trust, sni, subjectAltNames, ...(dnsNames.length > 0 && { dnsNames }), skipVerify };
}

/** Envoy takes any certificate then. Here that has to be said. */
function checkTrust({ trust, skipVerify }: Validation, at: FieldScope): void {
  if (trust !== undefined || skipVerify) return;
  at.error('names no authorities: name some, or say trust_chain_verification: ACCEPT_UNTRUSTED');
}
