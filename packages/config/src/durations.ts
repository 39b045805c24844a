/** As protobuf has it. */
export interface ProtoDuration {
  readonly seconds: bigint;
  readonly nanos: number;
}

export type DurationResult =
  | { readonly ok: true; readonly duration: ProtoDuration }
  | { readonly ok: false; readonly message: string };

const nanosOf: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Protobuf's own limit, 10,000 years, is beyond what a number of nanoseconds can hold. */
const maxNanos = 100 * 365 * 24 * 3600e9;

const goDuration =
  /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/;

/** Go's syntax, as Istio takes it: `1h`, `1m30s`, `1.5s`, `100ms`, `0s` (Istio: «1h/1m/1s/1ms. MUST be >=1ms»). */
export function parseGoDuration(text: string): DurationResult {
  if (text.startsWith('-')) return { ok: false, message: `"${text}" is negative` };
  if (!goDuration.test(text)) return { ok: false, message: `"${text}" is not a duration such as 10s, 1m30s or 250ms` };
  const nanos = nanosIn(text);
  if (nanos > 0 && nanos < 1e6) return { ok: false, message: `"${text}" is less than 1ms` };
  return fromNanos(text, nanos);
}

/** The narrower syntax of the Gateway API (GEP-2257): up to four whole numbers of h, m, s and ms. */
export function parseGatewayDuration(text: string): DurationResult {
  if (!/^(?:\d{1,5}(?:h|m|s|ms)){1,4}$/.test(text)) {
    return { ok: false, message: `"${text}" is not a duration such as 10s, 1m30s or 250ms (GEP-2257)` };
  }
  return fromNanos(text, nanosIn(text));
}

function nanosIn(text: string): number {
  let nanos = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) nanos += Number(amount) * nanosOf[unit!]!;
  return Math.round(nanos);
}

function fromNanos(text: string, nanos: number): DurationResult {
  if (nanos > maxNanos) return { ok: false, message: `"${text}" is longer than 100 years` };
  const seconds = Math.floor(nanos / 1e9);
  return { ok: true, duration: { seconds: BigInt(seconds), nanos: nanos - seconds * 1e9 } };
}
