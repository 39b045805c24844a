import { type DescField, ScalarType } from '@bufbuild/protobuf';
import { didYouMean } from '../nearest.js';

export type ScalarResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

const ranges: Readonly<Partial<Record<ScalarType, readonly [number, number]>>> = {
  [ScalarType.UINT32]: [0, 0xffff_ffff],
  [ScalarType.INT32]: [-0x8000_0000, 0x7fff_ffff],
  [ScalarType.UINT64]: [0, Number.MAX_SAFE_INTEGER],
  [ScalarType.INT64]: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/** A scalar or an enum value. Envoy reads the names of enum values in any case. */
export function readScalar(field: DescField, value: unknown): ScalarResult {
  if (field.enum !== undefined) return readEnum(field.enum.values, value);
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return check(typeof value === 'string', value, 'should be a text');
    case ScalarType.BOOL:
      return check(typeof value === 'boolean', value, 'should be true or false');
    default:
      return readNumber(field.scalar, value);
  }
}

function readEnum(values: readonly { readonly name: string; readonly number: number }[], value: unknown): ScalarResult {
  if (typeof value === 'number') {
    return check(
      values.some((known) => known.number === value),
      value,
      `${value} is none of its values`,
    );
  }
  const known = values.find(({ name }) => typeof value === 'string' && name === value.toUpperCase());
  if (known !== undefined) return { ok: true, value: known.name };
  const names = values.map(({ name }) => name);
  const hint = didYouMean(String(value), names);
  return {
    ok: false,
    problem: `${JSON.stringify(value)} is none of ${names.join(', ')}${hint === undefined ? '' : `: ${hint}`}`,
  };
}

function readNumber(scalar: ScalarType | undefined, value: unknown): ScalarResult {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) return { ok: false, problem: 'should be a number' };
  const range = scalar === undefined ? undefined : ranges[scalar];
  if (range === undefined) return { ok: true, value: number };
  const [min, max] = range;
  return check(
    Number.isInteger(number) && number >= min && number <= max,
    number,
    `should be a whole number from ${min} to ${max}`,
  );
}

function check(right: boolean, value: unknown, problem: string): ScalarResult {
  return right ? { ok: true, value } : { ok: false, problem };
}

/** Of protobuf's `Duration`, in either direction. */
const maxSeconds = 315_576_000_000;

/** What is wrong with the JSON form of a message of protobuf's own; undefined when it is right. */
export function wellKnownProblem(typeName: string, value: unknown): string | undefined {
  switch (typeName.slice('google.protobuf.'.length)) {
    case 'Duration': {
      const right = typeof value === 'string' && /^-?\d+(\.\d{1,9})?s$/.test(value);
      if (!right) return 'should be a duration in seconds, such as 0.25s';
      return Math.abs(Number.parseFloat(value)) > maxSeconds
        ? `should be within ${maxSeconds}s, 10,000 years`
        : undefined;
    }
    case 'BoolValue':
      return typeof value === 'boolean' ? undefined : 'should be true or false';
    case 'StringValue':
      return typeof value === 'string' ? undefined : 'should be a text';
    case 'UInt32Value':
      return problemOf(readNumber(ScalarType.UINT32, value));
    case 'UInt64Value':
      return problemOf(readNumber(ScalarType.UINT64, value));
    case 'DoubleValue':
    case 'FloatValue':
      return problemOf(readNumber(undefined, value));
    default:
      return undefined;
  }
}

function problemOf(result: ScalarResult): string | undefined {
  return result.ok ? undefined : result.problem;
}
