import {
  clone,
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  getOption,
  isMessage,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { DataSourceSchema, sensitive } from '../messages.js';
import { knownTypes } from '../resources/known-types.js';

const mark = '[redacted]';

/** A copy to show: what Envoy marks as sensitive (`udpa.annotations.sensitive`) is left out, in packed messages too. */
export function redact<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): MessageShape<Desc> {
  const copy = clone(schema, message);
  redactFields(reflect(schema, copy));
  return copy;
}

/** Of a resource that many clients have, once. */
const redacted = new WeakMap<Any, Any>();

/** What is of a type that inmesh does not have is emptied, since nobody knows what is in it. */
export function redactAny(any: Any): Any {
  let copy = redacted.get(any);
  if (copy === undefined) {
    copy = create(AnySchema, { typeUrl: any.typeUrl, value: redactBytes(any) });
    redacted.set(any, copy);
  }
  return copy;
}

function redactBytes({ typeUrl, value }: Any): Uint8Array {
  const schema = knownTypes().getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (schema === undefined) return new Uint8Array();
  try {
    return toBinary(schema, redact(schema, fromBinary(schema, value)));
  } catch {
    return new Uint8Array();
  }
}

function redactFields(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const isSensitive = getOption(field, sensitive);
    if (isSensitive && field.message === undefined) message.clear(field);
    else for (const part of partsOf(message, field)) (isSensitive ? blank : redactMessage)(part);
  }
}

/** The messages that a field has. */
function partsOf(message: ReflectMessage, field: DescField): ReflectMessage[] {
  if (field.message === undefined) return [];
  if (field.fieldKind === 'message') return [message.get(field)];
  if (field.fieldKind === 'list') return [...message.get(field)] as ReflectMessage[];
  return field.fieldKind === 'map' ? ([...message.get(field).values()] as ReflectMessage[]) : [];
}

function redactMessage(part: ReflectMessage): void {
  const { message } = part;
  if (isMessage(message, AnySchema)) message.value = redactBytes(message);
  else redactFields(part);
}

function blank({ message }: ReflectMessage): void {
  if (isMessage(message, DataSourceSchema)) message.specifier = { case: 'inlineString', value: mark };
  else if (isMessage(message, AnySchema)) message.value = new Uint8Array();
}
