import type { PathMatcher } from './route.js';

export type TokenPlace =
  | { readonly kind: 'header'; readonly name: string; readonly prefix: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string };

export interface ClaimHeader {
  /** Lower-case. */
  readonly header: string;
  /** From the claims downwards. */
  readonly claim: readonly string[];
}

/** One issuer whose tokens are taken (Envoy `JwtProvider`). */
export interface JwtProvider {
  readonly name: string;
  readonly issuer: string;
  /** Empty: any. */
  readonly audiences: readonly string[];
  readonly keys:
    | { readonly kind: 'inline'; readonly jwks: string }
    | { readonly kind: 'remote'; readonly uri: string; readonly timeoutMs: number; readonly cacheMs: number };
  /** In the order of search; the first place that has a token counts. */
  readonly places: readonly TokenPlace[];
  /** Whether the handler sees the token, too. */
  readonly forward: boolean;
  readonly claimHeaders: readonly ClaimHeader[];
  /** Header that is given the payload in base64url; undefined for none. */
  readonly payloadHeader: string | undefined;
  readonly clockSkewSeconds: number;
  /** Claims whose text is a list of words (`scope`): policies see them as lists. Default: none. */
  readonly spaceDelimitedClaims?: readonly string[] | undefined;
}

/** Envoy `JwtAuthentication`: a token that is present has to be good; one that is missing is left to authorization. */
export interface JwtAuthentication {
  readonly providers: readonly JwtProvider[];
  /** The first that matches counts; what none matches needs no token. */
  readonly rules: readonly JwtRule[];
  /** Whether a browser's preflight, which has no token, is let through without a look at it. Default false. */
  readonly bypassCorsPreflight?: boolean;
}

export interface JwtRule {
  readonly path: PathMatcher;
  /** Names of providers, any of which will do. */
  readonly providers: readonly string[];
  readonly allowMissing: boolean;
  readonly allowMissingOrFailed: boolean;
}
