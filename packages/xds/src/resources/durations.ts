import type { Duration } from '@bufbuild/protobuf/wkt';
import type { FieldScope } from './field-scope.js';

/** The largest number of seconds that google.protobuf.Duration allows, about 10,000 years. */
const maxSeconds = 315_576_000_000n;

/** Milliseconds, fractions kept; `whenUnset` for a field that is not there. Negative and malformed ones are errors. */
export function decodeDuration(duration: Duration | undefined, whenUnset: number, at: FieldScope): number {
  if (duration === undefined) return whenUnset;
  const { seconds, nanos } = duration;
  if (seconds > maxSeconds || nanos > 999_999_999) at.error('is not a valid duration');
  else if (seconds < 0n || nanos < 0) at.error('must not be negative');
  return Number(seconds) * 1000 + nanos / 1e6;
}

/** As `decodeDuration`, and zero is an error too. */
export function decodePositiveDuration(duration: Duration | undefined, whenUnset: number, at: FieldScope): number {
  const ms = decodeDuration(duration, whenUnset, at);
  if (ms === 0) at.error('must be more than zero');
  return ms;
}
