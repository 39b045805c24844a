import type { PeerIdentity, VerifiedToken } from '@inmesh/core';
import type { InboundRequest } from './inbound-request.js';

/** What the mesh knows of who sent a request. */
export interface RequestMesh {
  /** Of its verified certificate; undefined: plain text, or none was shown. */
  readonly peer: PeerIdentity | undefined;
  /** Of its verified token; undefined: none was asked for, or none was sent. */
  readonly jwt: VerifiedToken | undefined;
}

declare module 'node:http' {
  interface IncomingMessage {
    /** Set in handlers behind an adapter of the mesh. */
    mesh?: RequestMesh;
  }
}

/** One for all requests of which nothing is known. */
const stranger: RequestMesh = Object.freeze({ peer: undefined, jwt: undefined });

export function tellHandler({ req, connection, token }: InboundRequest): void {
  const peer = connection?.peer;
  req.mesh = peer === undefined && token === undefined ? stranger : Object.freeze({ peer, jwt: token });
}
