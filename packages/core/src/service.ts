import type { Call } from './call.js';
import type { MeshError } from './errors.js';

/**
 * Response headers have come and the caller has seen nothing yet: the moment at which HTTP and gRPC both commit.
 * Exactly one of `deliver` and `discard` is called on it.
 */
export interface Reply {
  /** The HTTP status, or for gRPC the HTTP status that the gRPC status maps to. */
  readonly httpStatus: number;
  /** The gRPC status when it is known already (a trailers-only response); undefined for HTTP. */
  readonly grpcStatus: number | undefined;
  /** Envoy's response flags where the mesh made this answer by itself; undefined for one of an upstream. */
  readonly flags: string | undefined;
  /** The first value of a response header, by lower-case name. */
  header(name: string): string | undefined;
  /** Replaces every value of a header, or adds it; only before `deliver`. Names are lower-case. */
  setHeader(name: string, value: string): void;
  appendHeader(name: string, value: string): void;
  removeHeader(name: string): void;
  /**
   * Calls back once, when the body or the trailers have ended (`undefined`) or broken off (the reason), or when the reply
   * was discarded. Listeners are called in the order they were added; one added after the end is called at once.
   */
  onFinish(listener: FinishListener): void;
  /** Hands the response to the caller. */
  deliver(): void;
  /** Drops the response; the connection is kept when that is cheap. */
  discard(): void;
}

/** An answer that the configuration asks for: a redirect, a direct response, an injected abort, a refusal of a rate limit. */
export interface LocalResponse {
  readonly httpStatus: number;
  /** For gRPC calls; undefined: what the HTTP status maps to. */
  readonly grpcStatus?: number | undefined;
  /** name, value, name, value, ...; lower-case names. */
  readonly headers: readonly string[];
  readonly body: string;
  /** Envoy's response flags, e.g. `FI`, `RL`; empty for a redirect or a direct response. */
  readonly flags: string;
}

export type FinishListener = (failure: MeshError | undefined) => void;

/** The one shape of everything on the path of a request. Rejects with a MeshError only. */
export type Service<C extends Call = Call> = (call: C) => Promise<Reply>;

/** The one extension mechanism. */
export type Filter = <C extends Call>(next: Service<C>) => Service<C>;
