/** The trace context of a request's sender, in OpenTelemetry's own shape. */
export interface Traceparent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 of them, not all zero. */
  readonly spanId: string;
  /** One byte; bit 0 is "sampled". */
  readonly traceFlags: number;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
type MatchedParts = [all: string, version: string, traceId: string, spanId: string, flags: string, tail?: string];
const zeros = /^0+$/;

/**
 * Reads a `traceparent` header; undefined unless it is valid to the letter (W3C Trace Context 3.2.2): lower case, exact
 * lengths, no all-zero id, version 00 without a tail, a later version with or without one, never version ff.
 */
export function parseTraceparent(value: string | undefined): Traceparent | undefined {
  if (value === undefined) return undefined;
  const match = form.exec(value);
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, tail] = match as unknown as MatchedParts;
  if (version === 'ff' || (version === '00' && tail !== undefined)) return undefined;
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** Writes version 00, the only one there is. */
export function formatTraceparent({ traceId, spanId, traceFlags }: Traceparent): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}
