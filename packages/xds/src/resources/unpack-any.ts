import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { FieldScope } from './field-scope.js';

/** protobuf-es has the same, which throws at a type URL that ends in a slash: the error would not tell of the field. */
export function anyIs({ typeUrl }: Any, { typeName }: DescMessage): boolean {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1) === typeName;
}

/** Reads a message of a known type out of an `Any`; undefined, with an error, for another type or malformed bytes. */
export function unpackAny<Desc extends DescMessage>(
  any: Any,
  schema: Desc,
  at: FieldScope,
): MessageShape<Desc> | undefined {
  if (!anyIs(any, schema)) return at.error(`should be a ${schema.typeName}, is "${any.typeUrl}"`);
  try {
    return fromBinary(schema, any.value);
  } catch (cause) {
    return at.error(malformed(cause));
  }
}

export function malformed(cause: unknown): string {
  return `malformed protobuf: ${cause instanceof Error ? cause.message : String(cause)}`;
}
