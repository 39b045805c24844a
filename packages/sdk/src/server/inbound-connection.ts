import type { Server, Socket } from 'node:net';
import type { InboundConnection } from '@inmesh/core';

/** The two ends of a connection, as Node and grpc-js tell them. */
export interface ConnectionEnds {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Connections whose TLS the mesh has ended itself, with a peer that it has verified. */
const verified = new WeakMap<object, InboundConnection>();
/** In plain text: a connection that is reset forgets its ends before its last request is read. */
const plain = new WeakMap<object, InboundConnection>();
/** The same for who is told no more of a connection than its ends; two that are up never have both in common. */
const verifiedByEnds = new Map<string, InboundConnection>();

export function rememberVerified(socket: Socket, connection: InboundConnection): void {
  verified.set(socket, connection);
}

export function rememberVerifiedByEnds(socket: Socket): void {
  const connection = verified.get(socket);
  if (connection === undefined) return;
  const key = endsKey(socket);
  verifiedByEnds.set(key, connection);
  socket.once('close', () => {
    if (verifiedByEnds.get(key) === connection) verifiedByEnds.delete(key);
  });
}

/** Undefined where the mesh has not looked at certificates. */
export function verifiedByItsEnds(ends: ConnectionEnds): InboundConnection | undefined {
  return verifiedByEnds.size === 0 ? undefined : verifiedByEnds.get(endsKey(ends));
}

export function endsKey({ localAddress, localPort, remoteAddress, remotePort }: ConnectionEnds): string {
  return [localAddress, localPort, remoteAddress, remotePort].join();
}

/** Undefined where the mesh has not looked at certificates. */
export function verifiedConnection(socket: object | undefined): InboundConnection | undefined {
  return socket === undefined ? undefined : verified.get(socket);
}

/**
 * What a request came by, as it was when this was asked first; ends that were unknown by then are empty. TLS of a server that
 * is not the mesh's counts as plain text: nobody knows what it has asked of its clients.
 */
export function connectionOf(socket: Socket): InboundConnection {
  const known = verified.get(socket) ?? plain.get(socket);
  if (known !== undefined) return known;
  const { localAddress, remoteAddress, localPort = portOfServer(socket) } = socket;
  const ends = { localAddress, localPort, remoteAddress };
  const connection = describe(ends, { isTls: false, peer: undefined, serverName: '' });
  if (connection.remoteAddress !== '') plain.set(socket, connection);
  return connection;
}

/** Policies of a port hold for what came to it, even where the connection itself no longer tells. */
function portOfServer(socket: Socket): number | undefined {
  const { server } = socket as { server?: Partial<Pick<Server, 'address'>> };
  const address = server?.address?.();
  return typeof address === 'object' ? address?.port : undefined;
}

export function describe(
  { localAddress, localPort = 0, remoteAddress }: ConnectionEnds,
  tls: Pick<InboundConnection, 'isTls' | 'peer' | 'serverName'>,
): InboundConnection {
  return Object.freeze({
    ...tls,
    localAddress: plainAddress(localAddress),
    localPort,
    remoteAddress: plainAddress(remoteAddress),
  });
}

/** A socket for both families writes IPv4 in its IPv6 form. */
function plainAddress(address = ''): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
