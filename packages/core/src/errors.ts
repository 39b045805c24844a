/**
 * The closed list of reasons for which the mesh itself fails a call, with Envoy's response flag and the HTTP and gRPC
 * status each one maps to (Envoy: access log response flags; gRPC: statuscodes.md).
 */
export const meshErrorReasons = {
  no_route: { flag: 'NR', httpStatus: 404, grpcStatus: 12 },
  no_cluster: { flag: 'NC', httpStatus: 503, grpcStatus: 14 },
  no_healthy_upstream: { flag: 'UH', httpStatus: 503, grpcStatus: 14 },
  upstream_overflow: { flag: 'UO', httpStatus: 503, grpcStatus: 14 },
  upstream_request_timeout: { flag: 'UT', httpStatus: 504, grpcStatus: 4 },
  upstream_per_try_timeout: { flag: 'UT', httpStatus: 504, grpcStatus: 4 },
  stream_idle_timeout: { flag: 'SI', httpStatus: 504, grpcStatus: 4 },
  max_duration_timeout: { flag: 'UMSDR', httpStatus: 504, grpcStatus: 4 },
  deadline_exceeded: { flag: 'DT', httpStatus: 504, grpcStatus: 4 },
  upstream_connection_failure: { flag: 'UF', httpStatus: 503, grpcStatus: 14 },
  upstream_connection_termination: { flag: 'UC', httpStatus: 503, grpcStatus: 14 },
  upstream_reset: { flag: 'UR', httpStatus: 503, grpcStatus: 14 },
  upstream_protocol_error: { flag: 'UPE', httpStatus: 502, grpcStatus: 13 },
  rate_limited: { flag: 'RL', httpStatus: 429, grpcStatus: 8 },
  concurrency_limited: { flag: 'UO', httpStatus: 503, grpcStatus: 8 },
  circuit_open: { flag: 'UO', httpStatus: 503, grpcStatus: 14 },
  fault_injected: { flag: 'FI', httpStatus: 503, grpcStatus: 14 },
  unauthorized: { flag: 'UAEX', httpStatus: 403, grpcStatus: 7 },
  caller_cancelled: { flag: 'DC', httpStatus: 499, grpcStatus: 1 },
  mesh_closed: { flag: '-', httpStatus: 503, grpcStatus: 14 },
  not_ready: { flag: '-', httpStatus: 503, grpcStatus: 14 },
  invalid_request: { flag: 'DPE', httpStatus: 400, grpcStatus: 3 },
  internal: { flag: '-', httpStatus: 500, grpcStatus: 13 },
} as const satisfies Record<string, { flag: string; httpStatus: number; grpcStatus: number }>;

export type MeshErrorReason = keyof typeof meshErrorReasons;

export interface MeshErrorDetails {
  /** What went wrong, in one sentence without the reason's name. */
  message?: string;
  /** Overrides the status of the reason's row, e.g. for an injected abort. */
  httpStatus?: number;
  /** The same for gRPC, e.g. the status that a client gave when it cancelled. */
  grpcStatus?: number;
  cluster?: string | undefined;
  /** `ip:port` of the last endpoint tried. */
  endpoint?: string | undefined;
  /** Attempts made so far, the first one included; 0 when no attempt started. */
  attempts?: number;
  /** What the reader can do about it. */
  hint?: string | undefined;
  /** True when the upstream may have acted on the request; such a call is never replayed on its own. */
  maybeSent?: boolean;
  cause?: unknown;
}

/** Kept across duplicate installs of the package, where `instanceof` would lie. */
const brand = Symbol.for('inmesh.MeshError');

/** Every failure that the mesh itself makes. `statusCode` and `status` are what Fastify and Express answer with. */
export class MeshError extends Error {
  readonly reason: MeshErrorReason;
  readonly httpStatus: number;
  readonly grpcStatus: number;
  readonly maybeSent: boolean;
  hint: string | undefined;
  cluster: string | undefined;
  endpoint: string | undefined;
  attempts: number;
  /** True when the route's retries were used up; `flag` then ends with Envoy's URX. */
  retriesExhausted = false;

  constructor(reason: MeshErrorReason, details: MeshErrorDetails = {}) {
    super(
      details.message ?? reason.replaceAll('_', ' '),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    const row = meshErrorReasons[reason];
    this.name = 'MeshError';
    this.reason = reason;
    this.httpStatus = details.httpStatus ?? row.httpStatus;
    this.grpcStatus = details.grpcStatus ?? row.grpcStatus;
    this.maybeSent = details.maybeSent ?? false;
    this.hint = details.hint;
    this.cluster = details.cluster;
    this.endpoint = details.endpoint;
    this.attempts = details.attempts ?? 0;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Envoy's response flags. */
  get flag(): string {
    const { flag } = meshErrorReasons[this.reason];
    return this.retriesExhausted ? `${flag},URX` : flag;
  }

  get code(): string {
    return `INMESH_${this.reason.toUpperCase()}`;
  }

  get statusCode(): number {
    return this.httpStatus;
  }

  get status(): number {
    return this.httpStatus;
  }

  /** The short body that HTTP adapters answer with: names and reasons, never payloads or keys. */
  toBody(): string {
    const parts = [`${this.reason} (${this.flag}): ${this.message}`];
    if (this.cluster !== undefined) parts.push(`cluster ${this.cluster}`);
    if (this.endpoint !== undefined) parts.push(`endpoint ${this.endpoint}`);
    if (this.attempts > 0) parts.push(`attempts ${this.attempts}`);
    if (this.hint !== undefined) parts.push(this.hint);
    return parts.join('; ');
  }

  static is(value: unknown): value is MeshError {
    return typeof value === 'object' && value !== null && brand in value;
  }

  /** Finds a MeshError in `value` or down its chain of causes (fetch wraps what a dispatcher throws). */
  static find(value: unknown): MeshError | undefined {
    let current = value;
    for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth += 1) {
      if (MeshError.is(current)) return current;
      current = (current as { cause?: unknown }).cause;
    }
    return undefined;
  }

  static from(value: unknown, reason: MeshErrorReason = 'internal'): MeshError {
    const found = MeshError.find(value);
    if (found !== undefined) return found;
    return new MeshError(reason, { message: messageOf(value), cause: value });
  }
}

/** A thrown object need not have a `toString`. */
function messageOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'object' && value !== null ? 'a thrown object' : String(value);
}
