import {
  audience,
  ec,
  goodClaims,
  issuer,
  nameless,
  partner,
  partnerIssuer,
  rsa,
  stranger,
} from '../../../packages/sdk/test/authentication/attack-tokens.js';
import { type IssuedKey, keySet, makeKey, sign } from '../../../packages/sdk/test/authentication/issuer.js';
import type { Draws } from './draws.js';

export const edwards = makeKey('EdDSA', 'ed-1');

export interface JwtRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Two issuers whose tokens stand in different places, and rules about what is in them. */
export const jwtPolicies = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: default }
spec:
  jwtRules:
    - { issuer: "${issuer}", audiences: [${audience}, "https://api.example"], jwks: '${keySet([rsa, ec, nameless, edwards])}' }
    - issuer: "${partnerIssuer}"
      jwks: '${keySet([partner])}'
      fromHeaders: [{ name: x-jwt, prefix: "jwt " }]
      fromParams: [jwt]
      fromCookies: [jwt]
      outputClaimToHeaders: [{ header: x-sub, claim: sub }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: claims, namespace: default }
spec:
  rules:
    - to: [{ operation: { paths: ["/open*"] } }]
    - from: [{ source: { requestPrincipals: ["${issuer}/*"] } }]
      when: [{ key: "request.auth.claims[realm][roles]", values: [admin, "op*"] }]
    - when: [{ key: "request.auth.presenter", values: [desk] }]
    - when: [{ key: "request.auth.audiences", values: ["https://api.example"] }]
    - from: [{ source: { requestPrincipals: ["${partnerIssuer}/me"] } }]
      when: [{ key: "request.auth.claims[scope]", values: [write], notValues: [never] }]
`;

const keys: readonly IssuedKey[] = [rsa, ec, nameless, edwards, partner, stranger];

/** Mostly good, with something odd about one part or another. */
export async function generateToken(draws: Draws, now: number): Promise<string> {
  const key = draws.chance(0.8) ? draws.one(keys.slice(0, 5)) : draws.one(keys);
  const own = { ...goodClaims(now), ...(key === partner && { iss: partnerIssuer }) };
  const odd = draws.chance(0.5) ? draws.one(oddClaims(now)) : {};
  const token = await sign(key, { ...own, ...draws.one(usefulClaims), ...odd }, headerOf(draws));
  return draws.chance(0.15) ? draws.one(misspellings)(token) : token;
}

const usefulClaims: readonly object[] = [
  {},
  { realm: { roles: ['user', 'admin'] } },
  { realm: { roles: 'admin' } },
  { realm: { roles: ['operator'] } },
  { realm: { roles: ['user'] } },
  { realm: { roles: { admin: true } } },
  { realm: 'admin' },
  { azp: 'desk' },
  { aud: ['https://api.example', audience] },
  { aud: 'https://api.example/' },
  { scope: 'read write' },
  { scope: 'write never' },
  { scope: ['write'] },
];

function oddClaims(now: number): readonly object[] {
  return [
    ...[now - 30, now - 3600, now + 30.5, 0, -1, '9', null, true, 1e20].map((exp) => ({ exp })),
    ...[now - 30, now + 30, now + 3600, 0, -1, '9', null].map((nbf) => ({ nbf })),
    ...[now + 3600, 'now', -1, null].map((iat) => ({ iat })),
    ...['https://evil.example', `${issuer}/`, '', undefined, null, 7, partnerIssuer, issuer].map((iss) => ({ iss })),
    ...[audience, [audience], ['bank'], 'bank', [], '', undefined, null, 7, [audience, 7]].map((aud) => ({ aud })),
    ...['you', '', undefined, null, 7, ['me']].map((sub) => ({ sub })),
    ...['x', 7].map((jti) => ({ jti })),
    ...['desk', 7, ['desk']].map((azp) => ({ azp })),
    { extra: { deep: { deeper: [[[]]] } } },
  ];
}

function headerOf(draws: Draws): Record<string, unknown> {
  if (draws.chance(0.75)) return {};
  return draws.one<Record<string, unknown>>([
    { kid: undefined },
    { kid: '' },
    { kid: 'rsa-1' },
    { kid: 'unknown' },
    { typ: 'JWT' },
    { typ: 'at+jwt' },
    { jku: 'https://evil.example' },
    { cty: 'JWT' },
    { x5t: 'abc' },
  ]);
}

const misspellings: readonly ((token: string) => string)[] = [
  (token) => token.slice(0, -1),
  (token) => token.slice(0, -4),
  (token) => `${token}A`,
  (token) => `${token}=`,
  (token) => `${token}.`,
  (token) => `.${token}`,
  (token) => token.replace('.', '..'),
  (token) => token.toLowerCase(),
  (token) => token.replaceAll('_', '/').replaceAll('-', '+'),
  () => '',
  () => 'nonsense',
  () => '..',
];

/** A token in a place that counts, or in one that does not, or several. */
export async function generateRequest(draws: Draws, now: number): Promise<JwtRequest> {
  const headers: Record<string, string> = {};
  const query: string[] = [];
  const base = draws.one(['/open', '/closed']);
  const tokens = await Promise.all(draws.list(0, draws.chance(0.2) ? 2 : 1, () => generateToken(draws, now)));
  for (const token of tokens) draws.one(places)(token, headers, query);
  const isPreflight = draws.chance(0.05);
  if (isPreflight) Object.assign(headers, { origin: 'https://page.example', 'access-control-request-method': 'PUT' });
  const path = query.length === 0 ? base : `${base}?${query.join('&')}`;
  return { method: isPreflight || draws.chance(0.05) ? 'OPTIONS' : 'GET', path, headers };
}

type Place = (token: string, headers: Record<string, string>, query: string[]) => unknown;

const bearer =
  (scheme: string): Place =>
  (token, headers) =>
    Object.assign(headers, { authorization: scheme + token });

const places: readonly Place[] = [
  ...Array.from({ length: 6 }, () => bearer('Bearer ')),
  bearer('Bearer  '),
  bearer('bearer '),
  bearer('Basic '),
  bearer('x Bearer '),
  bearer(''),
  (token, headers) => Object.assign(headers, { authorization: `Bearer ${token} more` }),
  (token, headers) => Object.assign(headers, { authorization: `Bearer ${token},Bearer ${token}` }),
  (token, _headers, query) => query.push(`access_token=${token}`),
  (token, _headers, query) => query.push('a=b', `access_token=${token}`, `access_token=x`),
  (token, headers) => Object.assign(headers, { 'x-jwt': `jwt ${token}` }),
  (token, headers) => Object.assign(headers, { 'x-jwt': token }),
  (token, _headers, query) => query.push(`jwt=${token}`),
  (token, headers) => Object.assign(headers, { cookie: `a=b; jwt=${token}; c=d` }),
  (token, headers) => Object.assign(headers, { cookie: `jwt="${token}"` }),
  (token, headers) => Object.assign(headers, { 'x-other': token }),
];
