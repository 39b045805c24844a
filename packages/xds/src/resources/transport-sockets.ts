import { type Cluster, RawBufferSchema, type TransportSocket } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { anyIs } from './unpack-any.js';

/** Refuses whatever is not plain TCP: a cluster that asks for TLS must never be spoken to in clear text. */
export function checkTransportSocket(message: Cluster, at: FieldScope): void {
  checkPlain(message.transportSocket, at.field('transport_socket'));
  at.each('transport_socket_matches', message.transportSocketMatches, ({ transportSocket }, scope) => {
    checkPlain(transportSocket, scope.field('transport_socket'));
  });
}

function checkPlain(socket: TransportSocket | undefined, at: FieldScope): void {
  if (socket === undefined) return;
  const config = socket.configType.value;
  const plain =
    config === undefined ? socket.name === 'envoy.transport_sockets.raw_buffer' : anyIs(config, RawBufferSchema);
  if (!plain) at.error(`"${socket.name}" is not supported yet, only plain TCP is`);
}
