import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { knownTypes } from '../../resources/known-types.js';
import { resourceTypes } from '../../resources/resource-types.js';
import type { ResourceKind } from '../../resources/type-urls.js';

/** PEM, as an inline key stands in a TLS context or in the credentials of a gRPC service. */
const privateKey = Buffer.from('PRIVATE KEY-----');

const any = 'google.protobuf.Any';
/** Keys of TLS, credentials of gRPC services, and what may stand for either in a form without a schema. */
const keyPlaces = /^envoy\.config\.core\.v3\.(DataSource$|GrpcService\.GoogleGrpc\b)|\.TypedStruct$/;

/** Whether a resource has a private key where keys stand, or in what nobody here can read. Elsewhere it is text, such as a policy's. */
export function holdsKey(kind: ResourceKind, bytes: Uint8Array): boolean {
  if (!hasMark(bytes)) return false;
  try {
    return isKeyIn(resourceTypes[kind].read(bytes), false);
  } catch {
    return true;
  }
}

/** @param isKeyPlace whether text counts; bytes, which fields that are not known are too, always do */
function isKeyIn(value: unknown, isKeyPlace: boolean): boolean {
  if (typeof value === 'string') return isKeyPlace && hasMark(Buffer.from(value));
  if (value instanceof Uint8Array) return hasMark(value);
  if (typeof value !== 'object' || value === null) return false;
  const { $typeName: type = '' } = value as { $typeName?: string };
  if (type === any) return isKeyInAny(value as Any);
  const isHere = isKeyPlace || keyPlaces.test(type);
  return Object.values(value).some((part) => isKeyIn(part, isHere));
}

function isKeyInAny({ typeUrl, value }: Any): boolean {
  if (!hasMark(value)) return false;
  const schema = knownTypes().getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  return schema === undefined || isKeyIn(fromBinary(schema, value), false);
}

function hasMark({ buffer, byteOffset, length }: Uint8Array): boolean {
  return Buffer.from(buffer, byteOffset, length).includes(privateKey);
}
