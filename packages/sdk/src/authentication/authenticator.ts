import type { Call, CallTest, Clock, JwtAuthentication, JwtProvider, JwtRule, Refusal } from '@inmesh/core';
import { compilePathMatcher } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { removeClaimHeaders, setClaimHeaders } from './claim-headers.js';
import { discovering } from './discover-keys.js';
import { type FetchKeySet, keySetFetcher } from './fetch-key-set.js';
import { type JwtProblem, refuseToken } from './jwt-problem.js';
import { parseKeySet } from './key-set.js';
import type { ParsedToken } from './parse-token.js';
import { RemoteKeys } from './remote-keys.js';
import { removeTokens, tokensIn } from './token-places.js';
import { type KeySource, verifyToken } from './verify-token.js';

export interface AuthenticatorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds since 1970: tokens are dated by the time of day. */
  readonly wallClock: () => number;
  readonly fetchKeySet?: FetchKeySet;
  readonly onTokenRefused?: (reason: JwtProblem) => void;
}

interface CompiledRule {
  readonly rule: JwtRule;
  readonly matches: CallTest;
  readonly providers: readonly JwtProvider[];
}

interface VerifiedTokens {
  /** The first; undefined where the first is bad. */
  readonly good: ParsedToken | undefined;
  /** Of the first that is bad. */
  readonly problem: JwtProblem | undefined;
}

/** Checks the tokens of incoming calls (Envoy `jwt_authn`). One serves a process: it keeps the keys of issuers. */
export class Authenticator {
  readonly #rules = new WeakMap<JwtAuthentication, readonly CompiledRule[]>();
  /** Of providers, across configurations: keys are not asked for again because something else has changed. */
  readonly #remote = new Map<string, RemoteKeys>();
  readonly #inline = new WeakMap<JwtProvider, KeySource>();
  readonly #fetchKeySet: FetchKeySet;

  constructor(private readonly options: AuthenticatorOptions) {
    this.#fetchKeySet = discovering(options.fetchKeySet ?? keySetFetcher(options.clock));
  }

  /** Sets `call.token` where there is a good one. A promise only where there is a token to look at. */
  readonly authenticate = (call: Call, authentication: JwtAuthentication): Refusal | Promise<Refusal> => {
    removeClaimHeaders(call, authentication.providers);
    if (authentication.bypassCorsPreflight && isPreflight(call)) return undefined;
    const found = this.#rulesOf(authentication).find(({ matches }) => matches(call));
    if (found === undefined || found.providers.length === 0) return undefined;
    const { rule, providers } = found;
    const isMissing = providers.every(({ places }) => tokensIn(call, places).length === 0);
    if (isMissing) return rule.allowMissing || rule.allowMissingOrFailed ? undefined : this.#refuse(call, 'missing');
    return this.#verifyAny(call, rule, providers);
  };

  /** By the first provider that takes them; else the reason of the last that they concern. */
  async #verifyAny(call: Call, rule: JwtRule, providers: readonly JwtProvider[]): Promise<Refusal> {
    let reason: JwtProblem = 'unknown_issuer';
    for (const provider of providers) {
      const tokens = tokensIn(call, provider.places);
      if (tokens.length === 0) continue;
      const { good, problem } = await this.#verifyAll(tokens, provider);
      if (good !== undefined && problem === undefined) {
        accept(call, provider, good);
        return undefined;
      }
      if (problem !== undefined && problem !== 'unknown_issuer') reason = problem;
      if (good !== undefined) break;
    }
    return rule.allowMissingOrFailed ? undefined : this.#refuse(call, reason);
  }

  /** The log has the reason and no part of the token. */
  #refuse(call: Call, problem: JwtProblem): Refusal {
    const refusal = refuseToken(call, problem);
    this.options.onTokenRefused?.(problem);
    this.options.logger.debug?.('a token is refused', { reason: refusal.body, from: call.sourceAddress });
    return refusal;
  }

  /** A second token that is bad would reach the handler beside the good one: all have to be good. */
  async #verifyAll(tokens: readonly string[], provider: JwtProvider): Promise<VerifiedTokens> {
    const keys = this.#keysOf(provider);
    const now = this.options.wallClock() / 1000;
    let good: ParsedToken | undefined;
    for (const text of tokens) {
      const token = await verifyToken(text, provider, keys, now);
      if (typeof token === 'string') return { good, problem: token };
      good ??= token;
    }
    return { good, problem: undefined };
  }

  #rulesOf(authentication: JwtAuthentication): readonly CompiledRule[] {
    let rules = this.#rules.get(authentication);
    if (rules === undefined) {
      rules = authentication.rules.map((rule) => ({
        rule,
        matches: compilePathMatcher(rule.path),
        providers: authentication.providers.filter(({ name }) => rule.providers.includes(name)),
      }));
      this.#rules.set(authentication, rules);
    }
    return rules;
  }

  #keysOf(provider: JwtProvider): KeySource {
    const { keys } = provider;
    if (keys.kind === 'inline') return this.#inlineKeys(provider, keys.jwks);
    const { uri, timeoutMs, cacheMs } = keys;
    const id = JSON.stringify([uri, timeoutMs, cacheMs]);
    let remote = this.#remote.get(id);
    if (remote === undefined) {
      const { clock, logger } = this.options;
      remote = new RemoteKeys({ uri, timeoutMs, cacheMs, clock, logger, fetchKeySet: this.#fetchKeySet });
      this.#remote.set(id, remote);
    }
    return remote;
  }

  #inlineKeys(provider: JwtProvider, jwks: string): KeySource {
    let source = this.#inline.get(provider);
    if (source === undefined) {
      source = inlineSource(jwks, provider.name, this.options.logger);
      this.#inline.set(provider, source);
    }
    return source;
  }
}

/** As Envoy tells one (jwt_authn filter.cc). */
function isPreflight({ method, headers }: Call): boolean {
  return method === 'OPTIONS' && Boolean(headers.get('origin') && headers.get('access-control-request-method'));
}

/** A set that cannot be read has no keys: its tokens are refused, and others are not concerned. */
function inlineSource(jwks: string, provider: string, logger: Logger): KeySource {
  const getNewer = () => undefined;
  try {
    const keys = parseKeySet(jwks);
    return { get: () => keys, getNewer };
  } catch {
    logger.error('the keys in the configuration of an issuer are no JSON Web Key Set', { provider });
    return { get: () => [], getNewer };
  }
}

function accept(call: Call, provider: JwtProvider, token: ParsedToken): void {
  const { issuer, subject, audiences, presenter } = token;
  call.token = { issuer, subject, audiences, presenter, claims: claimsOf(token, provider) };
  if (!provider.forward) removeTokens(call, provider.places);
  setClaimHeaders(call, provider, token);
}

function claimsOf({ claims }: ParsedToken, { spaceDelimitedClaims = [] }: JwtProvider): ParsedToken['claims'] {
  const lists = spaceDelimitedClaims.flatMap((name) => {
    const text = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return typeof text === 'string' ? [[name, text.split(' ').filter((word) => word !== '')] as const] : [];
  });
  return lists.length === 0 ? claims : { ...claims, ...Object.fromEntries(lists) };
}
