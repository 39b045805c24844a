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
  /** The first value of a response header, by lower-case name. */
  header(name: string): string | undefined;
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

export type FinishListener = (failure: MeshError | undefined) => void;

/** The one shape of everything on the path of a request. Rejects with a MeshError only. */
export type Service<C extends Call = Call> = (call: C) => Promise<Reply>;

/** The one extension mechanism. */
export type Filter = <C extends Call>(next: Service<C>) => Service<C>;
