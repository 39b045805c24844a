/** A compiled regular expression with RE2's semantics. Core has no engine of its own: the decoder gives one. */
export interface CompiledRegex {
  readonly source: string;
  /** True when the whole of `text` matches. */
  matches(text: string): boolean;
}

export type StringMatcher =
  | { readonly kind: 'exact'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'prefix'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'suffix'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'contains'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'regex'; readonly regex: CompiledRegex };

export type PathMatcher =
  | { readonly kind: 'exact'; readonly value: string; readonly ignoreCase: boolean }
  /** A raw string prefix: `/foo` matches `/foobar` (Envoy `prefix`). */
  | { readonly kind: 'prefix'; readonly value: string; readonly ignoreCase: boolean }
  /** Equal, or followed by `/` (Envoy `path_separated_prefix`). */
  | { readonly kind: 'pathSeparatedPrefix'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'regex'; readonly regex: CompiledRegex };

/** Envoy `config.route.v3.HeaderMatcher`. A missing header fails, inverted or not, unless it is treated as empty. */
export interface HeaderMatcher {
  /** Lower-case; `:method`, `:authority`, `:scheme` and `:path` name the parts of the request line. */
  readonly name: string;
  readonly test:
    | { readonly kind: 'present'; readonly present: boolean }
    | { readonly kind: 'string'; readonly matcher: StringMatcher }
    /** [start, end), of a decimal integer. */
    | { readonly kind: 'range'; readonly start: number; readonly end: number };
  readonly invert: boolean;
  readonly treatMissingAsEmpty: boolean;
}

export interface QueryMatcher {
  readonly name: string;
  /** Undefined: present, whatever its value. */
  readonly matcher: StringMatcher | undefined;
}

export interface RouteMatch {
  readonly path: PathMatcher;
  readonly headers: readonly HeaderMatcher[];
  readonly query: readonly QueryMatcher[];
  /** Share of requests that match, in millionths; undefined for all (Envoy `runtime_fraction`). */
  readonly fractionPerMillion?: number | undefined;
}

/** Envoy's `retry_on` names that this mesh acts on (Envoy: x-envoy-retry-on, x-envoy-retry-grpc-on). */
export type RetryCondition =
  | '5xx'
  | 'gateway-error'
  | 'connect-failure'
  | 'refused-stream'
  | 'reset'
  | 'reset-before-request'
  | 'retriable-4xx'
  | 'retriable-status-codes'
  | 'retriable-headers'
  | 'envoy-ratelimited'
  | 'cancelled'
  | 'deadline-exceeded'
  | 'internal'
  | 'resource-exhausted'
  | 'unavailable';

export interface RetryPolicy {
  readonly on: ReadonlySet<RetryCondition>;
  /** Retries after the first attempt; 0 disables. */
  readonly attempts: number;
  /** 0 for none. */
  readonly perTryTimeoutMs: number;
  readonly statusCodes: readonly number[];
  /** How often another host is picked when the pick was tried before; then the last pick is used. */
  readonly hostSelectionAttempts: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
}

export interface WeightedTarget {
  readonly cluster: string;
  readonly weight: number;
}

/** What a route does with a request that it matched. */
export type RouteAction =
  | {
      readonly kind: 'forward';
      /** At least one; weights are not negative and sum to more than zero. */
      readonly targets: readonly WeightedTarget[];
      readonly totalWeight: number;
      /** For the whole call, retries included; 0 for none. */
      readonly timeoutMs: number;
      /** Undefined: no retries. */
      readonly retry: RetryPolicy | undefined;
    }
  /** Answered without an upstream, e.g. the share of an invalid backend (Gateway API: 500). */
  | { readonly kind: 'directResponse'; readonly httpStatus: number; readonly body: string };

export interface Route {
  /** For people: explain, metrics and errors. May be empty. */
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
}

export interface VirtualHost {
  readonly name: string;
  /** `host`, `host:port`, `*.suffix`, `prefix.*` or `*`; lower-case. */
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
}

export interface RouteConfiguration {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHost[];
}
