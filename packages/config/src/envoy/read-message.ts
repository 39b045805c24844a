import { type DescField, type DescMessage, fromJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import { didYouMean } from '../nearest.js';
import { isRecord } from '../objects.js';
import type { Place } from '../place.js';
import { anyTypes } from './messages.js';
import { readScalar, wellKnownProblem } from './scalars.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a message from its JSON form (protobuf's JSON mapping, field names in either spelling). Fields that the message
 * does not have and values of a wrong type are errors at their place; undefined when there are some.
 */
export function readMessage<Desc extends DescMessage>(
  desc: Desc,
  value: unknown,
  place: Place,
): MessageShape<Desc> | undefined {
  const reader = new MessageReader();
  const json = reader.readMessage(desc, value, place);
  if (reader.broken) return undefined;
  try {
    return fromJson(desc, json as JsonValue, { registry: anyTypes });
  } catch (cause) {
    place.error(cause instanceof Error ? cause.message : String(cause));
    return undefined;
  }
}

/** Copies JSON, with enum values spelled as in the proto and without what nobody knows. */
class MessageReader {
  broken = false;

  readMessage(desc: DescMessage, value: unknown, place: Place): unknown {
    if (desc.typeName === 'google.protobuf.Any') return this.#readAny(value, place);
    if (desc.typeName.startsWith('google.protobuf.')) {
      return this.#unlessWrong(value, wellKnownProblem(desc.typeName, value), place);
    }
    if (!isRecord(value)) return this.#wrong('should be an object', place);
    return this.#readFields(desc, value, place);
  }

  #readFields(desc: DescMessage, value: Json, place: Place): unknown {
    const fields = new Map(desc.fields.flatMap((field) => [field.name, field.jsonName].map((name) => [name, field])));
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
      const field = fields.get(key);
      if (field === undefined) {
        const names = desc.fields.map(({ name }) => name);
        return [key, this.#wrong(`${desc.name} has no such field`, place.at(key), didYouMean(key, names))];
      }
      return [key, item === null ? null : this.#readField(field, item, place.at(key))];
    });
    return Object.fromEntries(entries);
  }

  #readField(field: DescField, value: unknown, place: Place): unknown {
    switch (field.fieldKind) {
      case 'list':
        if (!Array.isArray(value)) return this.#wrong('should be a list', place);
        return value.map((item, index) => this.#readItem(field, item, place.at(index)));
      case 'map':
        if (!isRecord(value)) return this.#wrong('should be an object', place);
        return Object.fromEntries(
          Object.entries(value).map(([key, item]) => [key, this.#readItem(field, item, place.at(key))]),
        );
      default:
        return this.#readItem(field, value, place);
    }
  }

  #readItem(field: DescField, value: unknown, place: Place): unknown {
    if (field.message !== undefined) return this.readMessage(field.message, value, place);
    const read = readScalar(field, value);
    return read.ok ? read.value : this.#wrong(read.problem, place);
  }

  /** A type that is not known is left out: whether it can be done without is for the decoders to say. */
  #readAny(value: unknown, place: Place): unknown {
    if (!isRecord(value)) return this.#wrong('should be an object', place);
    const { '@type': url, ...rest } = value;
    if (typeof url !== 'string') return this.#wrong('@type must be given, as a text', place);
    const desc = anyTypes.getMessage(url.slice(url.lastIndexOf('/') + 1));
    if (desc === undefined) {
      place.at('@type').warn(`"${url}" is not known: left out`);
      return {};
    }
    const read = this.readMessage(desc, rest, place);
    return isRecord(read) ? { '@type': `type.googleapis.com/${desc.typeName}`, ...read } : read;
  }

  #unlessWrong(value: unknown, problem: string | undefined, place: Place): unknown {
    return problem === undefined ? value : this.#wrong(problem, place);
  }

  #wrong(message: string, place: Place, hint?: string): undefined {
    this.broken = true;
    place.error(message, hint);
    return undefined;
  }
}
