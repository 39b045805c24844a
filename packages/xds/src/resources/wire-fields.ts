import type { UnknownField } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A field that holds a message: its number and the bytes of the message. */
export interface NestedField {
  readonly no: number;
  readonly bytes: Uint8Array;
}

/** The messages in a message of which no proto is at hand. Throws on malformed bytes. */
export function nestedFields(bytes: Uint8Array): NestedField[] {
  const reader = new BinaryReader(bytes);
  const fields: NestedField[] = [];
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    if (type === WireType.LengthDelimited) fields.push({ no, bytes: reader.bytes() });
    else reader.skip(type, no);
  }
  return fields;
}

/** The message in a field that a newer proto than ours has; undefined when it is not set. */
export function unknownMessage(unknown: readonly UnknownField[] | undefined, no: number): Uint8Array | undefined {
  const field = unknown?.findLast(
    (candidate) => candidate.no === no && candidate.wireType === WireType.LengthDelimited,
  );
  return field && new BinaryReader(field.data).bytes();
}
