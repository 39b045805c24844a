import type { HeaderMatcher, PathMatcher, StringMatcher } from './route.js';

export interface CidrRange {
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly prefixLength: number;
}

/** `{*}` matches one segment, `{**}` any number and only at the end (Envoy `uri_template`). */
export interface PathTemplate {
  readonly template: string;
  matches(path: string): boolean;
  matchesAnyCase?(path: string): boolean;
}

/** What is tested of a value that a JWT or another filter left behind (Envoy `ValueMatcher`). */
export type ValueMatcher =
  | { readonly kind: 'present' }
  | { readonly kind: 'string'; readonly matcher: StringMatcher }
  | { readonly kind: 'listContains'; readonly matcher: StringMatcher }
  | { readonly kind: 'any'; readonly matchers: readonly ValueMatcher[] };

export interface ClaimMatcher {
  /** From the claims of the verified token downwards, e.g. `['realm', 'role']`. */
  readonly path: readonly string[];
  readonly value: ValueMatcher;
}

/** What a policy asks of the request itself (Envoy RBAC `Permission`). */
export type Permission =
  | { readonly kind: 'any' }
  | { readonly kind: 'all'; readonly permissions: readonly Permission[] }
  | { readonly kind: 'oneOf'; readonly permissions: readonly Permission[] }
  | { readonly kind: 'not'; readonly permission: Permission }
  | { readonly kind: 'header'; readonly matcher: HeaderMatcher }
  | { readonly kind: 'path'; readonly matcher: PathMatcher }
  | { readonly kind: 'pathTemplate'; readonly template: PathTemplate }
  | { readonly kind: 'destinationPort'; readonly port: number }
  /** [start, end). */
  | { readonly kind: 'destinationPortRange'; readonly start: number; readonly end: number }
  | { readonly kind: 'destinationIp'; readonly range: CidrRange }
  | { readonly kind: 'serverName'; readonly matcher: StringMatcher };

/** What a policy asks of who sends the request (Envoy RBAC `Principal`). */
export type Principal =
  | { readonly kind: 'any' }
  | { readonly kind: 'all'; readonly principals: readonly Principal[] }
  | { readonly kind: 'oneOf'; readonly principals: readonly Principal[] }
  | { readonly kind: 'not'; readonly principal: Principal }
  /** By a certificate that was verified; with a matcher, one of its URI names (with `spiffe://`) matches it. */
  | { readonly kind: 'authenticated'; readonly matcher: StringMatcher | undefined }
  /** The address of the connection. */
  | { readonly kind: 'directRemoteIp'; readonly range: CidrRange }
  /** The address of the client: what a peer of the mesh forwards for, else that of the connection. */
  | { readonly kind: 'remoteIp'; readonly range: CidrRange }
  | { readonly kind: 'header'; readonly matcher: HeaderMatcher }
  | { readonly kind: 'path'; readonly matcher: PathMatcher }
  | { readonly kind: 'claim'; readonly matcher: ClaimMatcher };

/** Matches where any of the permissions and any of the principals does. */
export interface RbacPolicy {
  /** For logs and metrics, e.g. `ns[default]-policy[viewer]-rule[0]`. */
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly principals: readonly Principal[];
}

/** Envoy `RBAC`: ALLOW refuses what no policy matches, DENY what any does; LOG refuses nothing. */
export interface RbacRules {
  readonly action: 'allow' | 'deny' | 'log';
  readonly policies: readonly RbacPolicy[];
}

/** A decision that is asked of another service (Envoy `ext_authz`). */
export interface ExternalAuthorization {
  readonly name: string;
  readonly service:
    | { readonly kind: 'http'; readonly cluster: string; readonly pathPrefix: string }
    | { readonly kind: 'grpc'; readonly cluster: string };
  readonly timeoutMs: number;
  /** Whether requests pass while the service cannot be asked. */
  readonly failOpen: boolean;
  readonly statusOnError: number;
  /** Lower-case names. Of the request, beside the standard ones. */
  readonly includedRequestHeaders: readonly StringMatcher[];
  readonly headersToUpstreamOnAllow: readonly StringMatcher[];
  readonly headersToDownstreamOnDeny: readonly StringMatcher[];
  readonly headersToDownstreamOnAllow: readonly StringMatcher[];
  /** Which requests are asked about; undefined for all. */
  readonly when: RbacRules | undefined;
}
