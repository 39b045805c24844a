import type { IncomingMessage } from 'node:http';
import type { InboundConnection } from '@inmesh/core';
import { verifiedConnection } from './inbound-connection.js';
import { showHeader } from './request-view.js';

/** Envoy's header, in which a proxy says whose certificate it has seen. Anybody can write it. */
const name = 'x-forwarded-client-cert';

/** Takes it from requests of all but the peers that are believed, before anybody has read it. */
export function removeForgedClientCert(req: IncomingMessage, trusted: readonly string[] = []): void {
  if (req.headers[name] === undefined) return;
  if (!isBelieved(verifiedConnection(req.socket), trusted)) showHeader(req, name, undefined);
}

/** The same for gRPC. */
export function removeForgedMetadata(
  metadata: { remove(name: string): void },
  connection: InboundConnection | undefined,
  trusted: readonly string[] = [],
): void {
  if (!isBelieved(connection, trusted)) metadata.remove(name);
}

function isBelieved(connection: InboundConnection | undefined, trusted: readonly string[]): boolean {
  return connection?.peer !== undefined && trusted.includes(connection.peer.spiffeId);
}
