import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Any } from '@bufbuild/protobuf/wkt';
import { ResourceSchema } from '../messages.js';
import type { FieldError } from './decode-result.js';
import { type DecodedResources, resourceTypes } from './resource-types.js';
import { kindOf, type ResourceKind } from './type-urls.js';
import { malformed } from './unpack-any.js';

/** Field 1, length-delimited. */
const nameTag = 10;

/** `name` is empty where the bytes were too broken to tell. */
export type AnyDecodeResult<Value> =
  | { readonly ok: true; readonly name: string; readonly value: Value; readonly warnings: readonly FieldError[] }
  | { readonly ok: false; readonly name: string; readonly errors: readonly FieldError[] };

/** Reads one resource of a type that is known by its URL. Never throws: malformed bytes are an error like any other. */
export function decodeAny(typeUrl: string, bytes: Uint8Array): AnyDecodeResult<DecodedResources[ResourceKind]> {
  const kind = kindOf(typeUrl);
  if (kind === undefined) return failed('', `type "${typeUrl}" is unknown`);
  return decodeBytes(kind, bytes);
}

/** As `decodeAny`, for a kind known beforehand. */
export function decodeBytes<Kind extends ResourceKind>(
  kind: Kind,
  bytes: Uint8Array,
): AnyDecodeResult<DecodedResources[Kind]> {
  const type = resourceTypes[kind];
  let name = peekName(bytes);
  try {
    const message = type.read(bytes);
    name = type.nameOf(message);
    return { name, ...type.decode(message) };
  } catch (cause) {
    return failed(name, malformed(cause));
  }
}

/**
 * The name of a resource that may be too broken to be read: field 1 of every kind, which everyone writes first. Empty when it is
 * not there.
 */
export function peekName(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  try {
    return reader.uint32() === nameTag ? reader.string() : '';
  } catch {
    return '';
  }
}

/** What a server put into a response: a resource, or one wrapped in `Resource` (xds_protocol.rst). Throws when malformed. */
export function unwrapResource(any: Any): {
  readonly typeUrl: string;
  readonly bytes: Uint8Array;
  readonly name: string;
} {
  if (any.typeUrl !== 'type.googleapis.com/envoy.service.discovery.v3.Resource') {
    return { typeUrl: any.typeUrl, bytes: any.value, name: '' };
  }
  const { resource, name } = fromBinary(ResourceSchema, any.value);
  return { typeUrl: resource?.typeUrl ?? '', bytes: resource?.value ?? new Uint8Array(), name };
}

function failed(name: string, message: string): { ok: false; name: string; errors: readonly FieldError[] } {
  return { ok: false, name, errors: [{ path: '', message }] };
}
