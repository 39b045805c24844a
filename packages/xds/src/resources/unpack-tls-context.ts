import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { RawBufferSchema, type TransportSocket } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { unpackStrictly } from './unknown-fields.js';
import { anyIs } from './unpack-any.js';

/** The TLS context of a transport socket. Undefined for plain text, and with an error. */
export function unpackTlsContext<Desc extends DescMessage>(
  socket: TransportSocket | undefined,
  schema: Desc,
  at: FieldScope,
): MessageShape<Desc> | undefined {
  if (socket === undefined) return undefined;
  const { configType } = socket;
  if (configType.case === undefined) {
    if (socket.name !== 'envoy.transport_sockets.raw_buffer') at.error(`"${socket.name}" has no configuration`);
    return undefined;
  }
  const scope = at.field('typed_config');
  if (anyIs(configType.value, RawBufferSchema)) return undefined;
  if (!anyIs(configType.value, schema)) {
    return scope.error(`"${configType.value.typeUrl}" is not supported, only TLS and plain TCP are`);
  }
  return unpackStrictly(configType.value, schema, scope);
}
