import type { DescField, DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { unpackAny } from './unpack-any.js';

/**
 * As `unpackAny`, for what decides who may do what. Whatever of it these protos do not know, at any depth, is an error: a
 * condition that is passed over lets in whom it was to keep out.
 */
export function unpackStrictly<Desc extends DescMessage>(
  any: Any,
  schema: Desc,
  at: FieldScope,
): MessageShape<Desc> | undefined {
  const message = unpackAny(any, schema, at);
  if (message === undefined) return undefined;
  reportUnknown(schema, message, at);
  reportUnsupported(message, at);
  return message;
}

/** Reports fields and enum values that are newer than our protos, in a message and in all messages in it. */
export function reportUnknown<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  at: FieldScope,
): void {
  walk(reflect(schema, message), at);
}

/** The same of the message alone: what is in it has nothing to do with who comes in, or is looked at elsewhere. */
export function reportUnknownFields({ $typeName, $unknown = [] }: Message, at: FieldScope): void {
  for (const { no } of $unknown) {
    at.error(`field ${no} of ${$typeName} is unknown: this version of inmesh is too old for it`);
  }
}

function walk(message: ReflectMessage, at: FieldScope): void {
  reportUnknownFields(message.message, at);
  for (const field of message.fields) if (message.isSet(field)) walkField(message, field, at.field(field.name));
}

function walkField(message: ReflectMessage, field: DescField, at: FieldScope): void {
  switch (field.fieldKind) {
    case 'message':
      walk(message.get(field), at);
      return;
    case 'enum':
      checkEnum(field, message.get(field), at);
      return;
    case 'list':
      for (const [index, item] of [...message.get(field)].entries()) walkItem(field, item, at.field(`[${index}]`));
      return;
    case 'map':
      for (const [key, item] of message.get(field)) walkItem(field, item, at.field(`["${String(key)}"]`));
      return;
    case 'scalar':
  }
}

function walkItem(field: DescField & { fieldKind: 'list' | 'map' }, item: unknown, at: FieldScope): void {
  const kind = field.fieldKind === 'list' ? field.listKind : field.mapKind;
  if (kind === 'message') walk(item as ReflectMessage, at);
  else if (field.enum !== undefined) checkEnum({ enum: field.enum }, item as number, at);
}

function checkEnum(
  { enum: type }: Pick<DescField & { fieldKind: 'enum' }, 'enum'>,
  value: number,
  at: FieldScope,
): void {
  if (type.value[value] === undefined) at.error(`${value} is no value of ${type.typeName}`);
}
