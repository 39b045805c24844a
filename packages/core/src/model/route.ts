/** A compiled regular expression with RE2's semantics. Core has no engine of its own: the decoder gives one. */
export interface CompiledRegex {
  readonly source: string;
  /** True when the whole of `text` matches. */
  matches(text: string): boolean;
  /** The same in any case, where policies ask for it. */
  matchesAnyCase?(text: string): boolean;
}

/** A search for a regular expression and what each match becomes (Envoy `RegexMatchAndSubstitute`). */
export interface CompiledRewrite {
  readonly source: string;
  readonly substitution: string;
  /** Replaces every match in `text`. */
  rewrite(text: string): string;
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

/** Where a server says when to come back (Envoy `RateLimitedRetryBackOff.ResetHeader`). */
export interface ResetHeader {
  /** Lower-case, e.g. `retry-after`. */
  readonly name: string;
  readonly format: 'seconds' | 'unixTimestamp';
}

export interface RetryPolicy {
  readonly on: ReadonlySet<RetryCondition>;
  /** Retries after the first attempt; 0 disables. */
  readonly attempts: number;
  /** 0 for none. */
  readonly perTryTimeoutMs: number;
  /** Without a byte of the response for so long an attempt is given up; 0 for none. */
  readonly perTryIdleTimeoutMs: number;
  readonly statusCodes: readonly number[];
  /** Of the response, for `retriable-headers`: any that matches. */
  readonly headers: readonly HeaderMatcher[];
  /** Of the request: where there are some, only requests that one of them matches are retried. */
  readonly requestHeaders: readonly HeaderMatcher[];
  /** How often another host is picked when the pick was tried before; then the last pick is used. 0: any host will do. */
  readonly hostSelectionAttempts: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** A response with one of these headers is retried when it says, not later than `maxIntervalMs`; else the back-off counts. */
  readonly rateLimitedBackoff:
    | { readonly resetHeaders: readonly ResetHeader[]; readonly maxIntervalMs: number }
    | undefined;
}

/** Text, or what is put in its place for each request (Envoy «custom request/response headers»: `%REQ(x)%` and the like). */
export type HeaderValuePart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'requestHeader' | 'responseHeader';
      /** Lower-case, pseudo headers too. */
      readonly name: string;
      readonly alternative: string | undefined;
      readonly maxLength: number | undefined;
    }
  | {
      readonly kind:
        | 'upstreamHost'
        | 'upstreamCluster'
        | 'routeName'
        | 'protocol'
        | 'responseCode'
        | 'responseFlags'
        | 'sourceAddress'
        | 'hostname';
    };

export interface HeaderWrite {
  /** Lower-case. */
  readonly name: string;
  readonly value: readonly HeaderValuePart[];
  /** Envoy `HeaderAppendAction`. */
  readonly action: 'append' | 'addIfAbsent' | 'overwrite' | 'overwriteIfExists';
  /** Else a value that comes out empty writes nothing. */
  readonly keepEmpty: boolean;
}

/** Removed first, then written (Envoy header_parser.cc). */
export interface HeaderMutations {
  /** Lower-case names. */
  readonly remove: readonly string[];
  readonly write: readonly HeaderWrite[];
}

/** What is done to a request or a response, from the most specific level (weighted cluster) to the least, in order. */
export type HeaderMutationList = readonly HeaderMutations[];

/** Envoy `HTTPFault`. Shares are in millionths. */
export interface FaultPolicy {
  readonly delay: { readonly fixedMs: number; readonly perMillion: number } | undefined;
  readonly abort:
    | {
        /** 200 to 599; for an abort with a gRPC status the HTTP status that it maps to. */
        readonly httpStatus: number;
        readonly grpcStatus: number | undefined;
        readonly perMillion: number;
      }
    | undefined;
  /** Only requests that match all of them. */
  readonly headers: readonly HeaderMatcher[];
  /** Faults under way at once in a process. */
  readonly maxActive: number;
}

/** Envoy `CorsPolicy`, acted on by the server's side. */
export interface CorsPolicy {
  readonly allowOrigins: readonly StringMatcher[];
  /** As they go into the header; empty for none. */
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  /** Whether a preflight of an origin that is not allowed reaches the handler. Default true. */
  readonly forwardUnmatchedPreflights: boolean;
}

/** Envoy `TokenBucket`. */
export interface TokenBucketSettings {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

/** Makes one entry of a descriptor of a call, or none, and then there is no descriptor (Envoy `RateLimit.Action`). */
export type RateLimitAction =
  | { readonly kind: 'sourceCluster' }
  | { readonly kind: 'destinationCluster' }
  | { readonly kind: 'remoteAddress' }
  | { readonly kind: 'genericKey'; readonly key: string; readonly value: string }
  | { readonly kind: 'requestHeader'; readonly name: string; readonly key: string; readonly skipIfAbsent: boolean }
  | { readonly kind: 'queryParameter'; readonly name: string; readonly key: string; readonly skipIfAbsent: boolean }
  | {
      readonly kind: 'headerValueMatch';
      readonly key: string;
      readonly value: string;
      readonly headers: readonly HeaderMatcher[];
      readonly expect: boolean;
    };

/** A limit of calls by token buckets (Envoy `LocalRateLimit`). */
export interface RateLimit {
  /** Limits of one name share their buckets, whichever route they stand on; one without a name (Envoy's) has its own. */
  readonly name: string;
  /** Who counts: the process that calls, or the one that is called. */
  readonly side: 'outbound' | 'inbound';
  /** `mesh`: counted together by all processes that share a store (Redis); each by itself where there is none. */
  readonly scope: 'process' | 'mesh';
  /** The default one; undefined for no limit. */
  readonly bucket: TokenBucketSettings | undefined;
  readonly descriptors: readonly {
    readonly entries: readonly { readonly key: string; readonly value: string }[];
    readonly bucket: TokenBucketSettings;
  }[];
  /** Each list makes one descriptor. */
  readonly actions: readonly (readonly RateLimitAction[])[];
  /** Whether a call that a descriptor matches takes a token of `bucket` as well. Default true. */
  readonly alwaysConsumeDefault: boolean;
  /** Of the refusal; default 429. */
  readonly httpStatus: number;
  /** Of the refusal of a gRPC call: RESOURCE_EXHAUSTED, or Envoy's default UNAVAILABLE. */
  readonly grpcStatus: 8 | 14;
  /** What the refusal carries besides: name, value, name, value, ... */
  readonly responseHeaders: readonly string[];
  /** Share of the calls that are counted, in millionths. */
  readonly enabledPerMillion: number;
  /** Share of the refusals that are carried out, in millionths. */
  readonly enforcedPerMillion: number;
}

export interface WeightedTarget {
  readonly cluster: string;
  readonly weight: number;
  /** Where the action has none, or finds nothing to write. */
  readonly authorityRewrite?: AuthorityRewrite | undefined;
  readonly requestHeaders?: HeaderMutations | undefined;
  readonly responseHeaders?: HeaderMutations | undefined;
  /** Instead of the route's; an abort of 100 % is how the share of an invalid backend gets its 500. */
  readonly fault?: FaultPolicy | undefined;
}

export type PathRewrite =
  /** Replaces the part of the path that the route's prefix or exact path matched (Envoy `prefix_rewrite`). */
  { readonly kind: 'prefix'; readonly value: string } | { readonly kind: 'regex'; readonly rewrite: CompiledRewrite };

export type AuthorityRewrite =
  | { readonly kind: 'literal'; readonly value: string }
  /** The name of the endpoint that was picked (Envoy `auto_host_rewrite`). */
  | { readonly kind: 'endpoint' }
  /** The value of a request header, when it has one. */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'pathRegex'; readonly rewrite: CompiledRewrite };

/** Envoy `RequestMirrorPolicy`: a copy that nobody waits for. */
export interface MirrorPolicy {
  readonly cluster: string;
  readonly perMillion: number;
  /** Whether `-shadow` is put behind the host of the copy's authority. Default true. */
  readonly shadowSuffix: boolean;
}

/** Envoy `RouteAction.HashPolicy`: what makes up the key of ring hash and Maglev. */
export type HashPolicy = { readonly terminal: boolean } & (
  | { readonly kind: 'header'; readonly name: string; readonly rewrite: CompiledRewrite | undefined }
  /** Made and set with this life time when it is absent; undefined: only read. 0: a session cookie. */
  | { readonly kind: 'cookie'; readonly name: string; readonly ttlMs: number | undefined; readonly path: string }
  | { readonly kind: 'sourceAddress' }
  | { readonly kind: 'queryParameter'; readonly name: string }
);

export type RoutingPriority = 'default' | 'high';

export interface ForwardAction {
  readonly kind: 'forward';
  /** At least one; weights are not negative and sum to more than zero. */
  readonly targets: readonly WeightedTarget[];
  readonly totalWeight: number;
  /** For the whole call, retries included; 0 for none. */
  readonly timeoutMs: number;
  /** Without a byte in either direction for so long the call ends; 0 for none. */
  readonly idleTimeoutMs: number;
  /** For the whole call, body included, whatever the caller says; 0 for none. */
  readonly maxStreamDurationMs: number;
  /** The same of a gRPC call, on whose deadline a route may set a limit of its own (gRFC A31). */
  readonly grpcMaxStreamDurationMs: number;
  /** Undefined: no retries. */
  readonly retry: RetryPolicy | undefined;
  /** Whose circuit breaker thresholds count. */
  readonly priority: RoutingPriority;
  readonly pathRewrite: PathRewrite | undefined;
  readonly authorityRewrite: AuthorityRewrite | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  readonly hash: readonly HashPolicy[];
}

/** Envoy `RedirectAction`; what is undefined stays as the request has it. */
export interface RedirectAction {
  readonly kind: 'redirect';
  readonly httpStatus: number;
  readonly scheme: 'http' | 'https' | undefined;
  readonly host: string | undefined;
  /** 0: the default of the scheme. Undefined: the request's own, but 80 and 443 are left out when the scheme changes. */
  readonly port: number | undefined;
  readonly path: { readonly kind: 'full'; readonly value: string } | PathRewrite | undefined;
  readonly stripQuery: boolean;
}

/** Answered without an upstream. */
export interface DirectResponseAction {
  readonly kind: 'directResponse';
  readonly httpStatus: number;
  readonly body: string;
}

/** What a route does with a request that it matched. */
export type RouteAction = ForwardAction | RedirectAction | DirectResponseAction;

export interface Route {
  /** For people: explain, metrics and errors. May be empty. */
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  /** Of the route, its virtual host and its configuration, in this order. */
  readonly requestHeaders: HeaderMutationList;
  readonly responseHeaders: HeaderMutationList;
  readonly fault: FaultPolicy | undefined;
  readonly cors: CorsPolicy | undefined;
  readonly rateLimits: readonly RateLimit[];
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
