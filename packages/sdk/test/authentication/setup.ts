import type { JwtAuthentication, JwtProvider, JwtRule, LocalResponse } from '@inmesh/core';
import { FakeClock, type TestCall, testCall } from '@inmesh/core/testing';
import { Authenticator } from '../../src/authentication/authenticator.js';
import type { Logger } from '../../src/logger.js';
import { type IssuedKey, keySet } from './issuer.js';

export const issuer = 'https://issuer.example';

/** Seconds; the time of day of every test here. */
export const now = 1_800_000_000;

export const bearer = { kind: 'header', name: 'authorization', prefix: 'Bearer ' } as const;

/** As Istio writes one. */
export function provider(overrides: Partial<JwtProvider> = {}): JwtProvider {
  return {
    name: 'origins-0',
    issuer,
    audiences: [],
    keys: { kind: 'remote', uri: 'https://issuer.example/jwks', timeoutMs: 5000, cacheMs: 1_200_000 },
    places: [bearer, { kind: 'parameter', name: 'access_token' }],
    forward: false,
    claimHeaders: [],
    payloadHeader: undefined,
    clockSkewSeconds: 60,
    ...overrides,
  };
}

export function authentication(providers: readonly JwtProvider[], rule: Partial<JwtRule> = {}): JwtAuthentication {
  const path = { kind: 'prefix', value: '/', ignoreCase: false } as const;
  const names = providers.map(({ name }) => name);
  return { providers, rules: [{ path, providers: names, allowMissing: true, allowMissingOrFailed: false, ...rule }] };
}

/** An authenticator whose issuers answer as the test says, on a clock that stands still. */
export class Setup {
  readonly clock = new FakeClock();
  readonly fetched: string[] = [];
  readonly logged: { message: string; fields: object | undefined }[] = [];
  keys: readonly IssuedKey[];
  isAway = false;
  readonly authenticator: Authenticator;

  constructor(keys: readonly IssuedKey[]) {
    this.keys = keys;
    const log = (message: string, fields?: object) => void this.logged.push({ message, fields });
    const logger: Logger = { info: log, warn: log, error: log };
    this.authenticator = new Authenticator({
      ...{ clock: this.clock, logger },
      wallClock: () => now * 1000 + this.clock.now(),
      fetchKeySet: async (uri) => {
        this.fetched.push(uri);
        if (this.isAway) throw new Error('connection refused');
        return keySet(this.keys);
      },
    });
  }

  async check(call: TestCall, to: JwtAuthentication = authentication([provider()])): Promise<string> {
    const refusal = await this.authenticator.authenticate(call, to);
    return refusal === undefined ? 'passed' : reasonOf(refusal);
  }

  /** With the token in `Authorization`. */
  async send(token: string, to?: JwtAuthentication): Promise<string> {
    return this.check(callWith(token), to);
  }
}

export function callWith(token: string, headers: Record<string, string> = {}): TestCall {
  return testCall({ headers: { authorization: `Bearer ${token}`, ...headers } });
}

function reasonOf({ httpStatus, body }: LocalResponse): string {
  return `${httpStatus} ${body}`;
}
