import type { IncomingMessage } from 'node:http';
import type { InboundConnection } from '@inmesh/core';
import { verifiedConnection } from './inbound-connection.js';
import { hideTrailer, showHeader } from './request-view.js';

/** Envoy's header, in which a proxy says whose certificate it has seen. Anybody can write it. */
const name = 'x-forwarded-client-cert';

/** Takes it from requests of all but the peers that are believed, before anybody has read it. */
export function removeForgedClientCert(req: IncomingMessage, trusted: readonly string[] = []): void {
  const isForged = req.headers[name] !== undefined;
  const mayHaveTrailers = req.httpVersionMajor > 1 || req.headers['transfer-encoding'] !== undefined;
  if (!isForged && !mayHaveTrailers) return;
  if (isBelieved(verifiedConnection(req.socket), trusted)) return;
  if (isForged) showHeader(req, name, undefined);
  // Trailers are there once the body has ended; whoever reads them listens later than this.
  if (mayHaveTrailers) req.prependOnceListener('end', () => hideTrailer(req, name));
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
