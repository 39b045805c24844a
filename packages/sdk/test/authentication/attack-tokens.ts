import { createHmac, createSign } from 'node:crypto';
import { encode, type IssuedKey, makeKey, sign } from './issuer.js';

/** Who issues tokens, and who would like to. */
export const rsa = makeKey('RS256', 'rsa-1');
export const ec = makeKey('ES256', 'ec-1');
/** Of the set, without an id. */
export const nameless = makeKey('ES384');
export const stranger = makeKey('RS256', 'rsa-1');
/** Of another issuer that is trusted too. */
export const partner = makeKey('ES256', 'partner-1');

export const issuer = 'https://issuer.example';
export const partnerIssuer = 'https://partner.example';
export const audience = 'shop';

export const badFormat = 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections';
export const badSignature = 'Jwt verification fails';
export const noKey = "Jwks doesn't have key to match kid or alg from Jwt";
export const unsupported = 'Jwt header [alg] is not supported';
const badClaim = 'Jwt payload has a registered claim that is not of its type';
const badHeader = 'Jwt header is an invalid JSON';
const badPayload = 'Jwt payload is an invalid JSON';

export interface Attack {
  readonly what: string;
  readonly make: () => string | Promise<string>;
  /** As the answer says it. */
  readonly says: string;
  /** As the metric names it. */
  readonly reason: string;
}

/** Claims of a token that is good in the second `now`, for what is not wrong with it. */
export function goodClaims(now: number): Record<string, unknown> {
  return { iss: issuer, sub: 'me', aud: audience, exp: now + 600 };
}

/** FAULTS.md (d4). */
export function attacks(now: number): Attack[] {
  const good = goodClaims(now);
  return [...ofAlgorithms(good), ...ofKeys(good), ...ofForms(good), ...ofClaims(good, now)];
}

function ofAlgorithms(good: object): Attack[] {
  const unsigned = (alg: unknown, end = '') => `${encode({ alg })}.${encode(good)}.${end}`;
  const refused = { says: unsupported, reason: 'bad_algorithm' };
  return [
    ...['none', 'None', 'NONE', 'nOnE'].map((alg) => ({ what: `alg ${alg}`, make: () => unsigned(alg), ...refused })),
    { what: 'alg none with a signature', make: () => unsigned('none', 'AAAA'), ...refused },
    { what: 'alg none under the signature of RSA', make: () => signedAs(good, { alg: 'none' }), ...refused },
    { what: 'alg in a list', make: () => unsigned(['RS256'], 'AAAA'), ...refused },
    { what: 'alg in lower case', make: () => signedAs(good, { alg: 'rs256' }), ...refused },
    { what: 'no alg', make: () => unsigned(undefined, 'AAAA'), ...refused },
    { what: 'HMAC with the public key in PEM', make: () => hmac(good, pem(rsa)), ...refused },
    { what: 'HMAC with the public key in PEM, trimmed', make: () => hmac(good, pem(rsa).trim()), ...refused },
    { what: 'HMAC with the public key as JWK', make: () => hmac(good, JSON.stringify(jwkOf(rsa))), ...refused },
    { what: 'HMAC with the modulus', make: () => hmac(good, String(jwkOf(rsa).n)), ...refused },
    { what: 'HMAC with nothing', make: () => hmac(good, ''), ...refused },
    { what: 'another algorithm than its key', make: () => sign(ec, good, { kid: 'rsa-1' }), ...noMatch },
    { what: 'the algorithm of RSA for a key of EC', make: () => sign(rsa, good, { kid: 'ec-1' }), ...noMatch },
  ];
}

const noMatch = { says: noKey, reason: 'no_matching_key' };
const forged = { says: badSignature, reason: 'bad_signature' };

function ofKeys(good: object): Attack[] {
  const at = 'https://evil.example/keys';
  const ids = ['../../dev/null', 'https://evil.example/keys', "' OR 1=1 --", 'x; rm -rf /', '__proto__', 'rsa-1\u0000'];
  const brought = (what: string, header: Record<string, unknown>) => ({
    ...{ what: `a key of its own ${what}`, make: () => sign(stranger, good, header), ...forged },
  });
  return [
    { what: 'the key of a stranger', make: () => sign(stranger, good), ...forged },
    { what: 'the key of a stranger, without an id', make: () => sign(stranger, good, { kid: undefined }), ...forged },
    ...ids.map((kid) => ({ what: `the kid ${kid}`, make: () => sign(stranger, good, { kid }), ...noMatch })),
    {
      what: 'a kid that is no text',
      make: () => signedAs(good, { alg: 'RS256', kid: 7 }),
      says: 'Jwt header [kid] field is not a string',
      reason: 'bad_key_id',
    },
    brought('in jwk', { jwk: jwkOf(stranger) }),
    brought('behind jku', { jku: at }),
    brought('behind x5u', { x5u: at }),
    brought('in x5c', { x5c: ['MIIB'] }),
    { what: 'the key of another issuer', make: () => sign(partner, good), ...noMatch },
    {
      what: 'the key of another issuer, under a known id',
      make: () => sign(partner, good, { kid: 'ec-1' }),
      ...forged,
    },
    { what: 'the name of another issuer', make: () => sign(rsa, { ...good, iss: partnerIssuer }), ...noMatch },
  ];
}

function ofForms(good: object): Attack[] {
  const refused = { says: badFormat, reason: 'bad_format' };
  const header = (text: string) => `${encode(text)}.${encode(good)}.AAAA`;
  const of = (part: string) => ({
    says: `Jwt ${part} is an invalid Base64url encoded`,
    reason: `bad_${part}_encoding`,
  });
  return [
    { what: 'four parts', make: async () => `${await sign(rsa, good)}.AAAA`, ...refused },
    { what: 'five parts, as an encrypted one', make: () => 'a.b.c.d.e', ...refused },
    { what: 'one part', make: () => 'nonsense', ...refused },
    { what: 'two tokens', make: async () => `${await sign(rsa, good)},Bearer ${await sign(rsa, good)}`, ...refused },
    { what: 'no signature', make: async () => (await sign(rsa, good)).replace(/[^.]*$/, ''), ...refused },
    { what: 'a header in padded base64', make: () => `${encode('{}')}=.${encode(good)}.AAAA`, ...of('header') },
    { what: 'another spelling of its payload', make: async () => oddBits(await sign(rsa, good), 1), ...of('payload') },
    {
      what: 'another spelling of its signature',
      make: async () => oddBits(await sign(rsa, good), 2),
      ...of('signature'),
    },
    { what: 'a signature in plain base64', make: async () => `${await sign(rsa, good)}+/`, ...of('signature') },
    { what: 'a header that is no JSON', make: () => header('{'), says: badHeader, reason: 'bad_header' },
    {
      what: 'a header with two algorithms',
      make: () => header('{"alg":"none","alg":"RS256"}'),
      ...{ says: badHeader, reason: 'bad_header' },
    },
    { what: 'a header of nested lists', make: () => header('['.repeat(4000)), says: badHeader, reason: 'bad_header' },
    {
      what: 'a critical header that nobody knows',
      make: () => sign(rsa, good, { crit: ['b64'], b64: true }),
      ...{ says: 'Jwt header [crit] is not supported', reason: 'critical_header' },
    },
    {
      what: 'a payload that is not encoded',
      make: () => signedAs(good, { alg: 'RS256', kid: 'rsa-1', b64: false }),
      ...{ says: 'Jwt header [b64] is not supported', reason: 'unencoded_payload' },
    },
    {
      what: 'another payload',
      make: async () => swapPayload(await sign(rsa, good), { ...good, sub: 'root' }),
      ...forged,
    },
    { what: 'a signature that was cut off', make: () => ecWith(good, 60), ...forged },
    { what: 'a signature that is too long', make: () => ecWith(good, 66), ...forged },
    { what: 'an ECDSA signature of zeros', make: () => ecWith(good, 64), ...forged },
    { what: 'an ECDSA signature in DER', make: () => inDer(good), ...forged },
  ];
}

function ofClaims(good: Record<string, unknown>, now: number): Attack[] {
  const issued = (claims: object) => () => sign(rsa, { ...good, ...claims });
  const raw = (text: string) => () => signedAs(text, { alg: 'RS256', kid: 'rsa-1' });
  const elsewhere = { says: 'Jwt issuer is not configured', reason: 'unknown_issuer' };
  const others = { says: 'Audiences in Jwt are not allowed', reason: 'audience' };
  const odd = { says: badClaim, reason: 'bad_claim' };
  const unreadable = { says: badPayload, reason: 'bad_payload' };
  return [
    { what: 'a time that has passed', make: issued({ exp: now - 3600 }), says: 'Jwt is expired', reason: 'expired' },
    { what: 'a time to come', make: issued({ nbf: now + 3600 }), says: 'Jwt not yet valid', reason: 'not_yet_valid' },
    { what: 'a time that is a text', make: issued({ exp: 'never' }), ...odd },
    { what: 'a time before time', make: issued({ nbf: -1 }), ...odd },
    { what: 'a time of issue that is a text', make: issued({ iat: 'now' }), ...odd },
    { what: 'an id that is a number', make: issued({ jti: 7 }), ...odd },
    { what: 'an issuer in a list', make: issued({ iss: [issuer] }), ...odd },
    { what: 'a subject that is an object', make: issued({ sub: { name: 'me' } }), ...odd },
    { what: 'an audience that is an object', make: issued({ aud: { shop: true } }), ...odd },
    { what: 'another issuer', make: issued({ iss: 'https://evil.example' }), ...elsewhere },
    { what: 'an issuer with a slash more', make: issued({ iss: `${issuer}/` }), ...elsewhere },
    { what: 'an issuer in other case', make: issued({ iss: issuer.toUpperCase() }), ...elsewhere },
    { what: 'no issuer', make: issued({ iss: undefined }), ...elsewhere },
    { what: 'another audience', make: issued({ aud: ['bank', 'shopping'] }), ...others },
    { what: 'an audience in other case', make: issued({ aud: 'SHOP' }), ...others },
    { what: 'no audience', make: issued({ aud: undefined }), ...others },
    { what: 'two subjects', make: raw(`${JSON.stringify(good).slice(0, -1)},"sub":"root"}`), ...unreadable },
    {
      what: 'two subjects, one escaped',
      make: raw(`${JSON.stringify(good).slice(0, -1)},"s\\u0075b":"x"}`),
      ...unreadable,
    },
    { what: 'a payload that is no object', make: raw('[1]'), ...unreadable },
    { what: 'a payload that is no UTF-8', make: raw('{"sub":"\u00ff"}'), ...unreadable },
    { what: 'a payload of nested objects', make: raw('{"a":'.repeat(1500)), ...unreadable },
  ];
}

/** Signed by RSA, whatever the header says; a text is taken as bytes of Latin-1. */
function signedAs(claims: object | string, header: object): string {
  const payload = typeof claims === 'string' ? Buffer.from(claims, 'latin1').toString('base64url') : encode(claims);
  const text = `${encode(header)}.${payload}`;
  return `${text}.${createSign('sha256').update(text).sign(rsa.privateKey).toString('base64url')}`;
}

function hmac(claims: object, secret: string): string {
  const text = `${encode({ alg: 'HS256', kid: 'rsa-1', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function ecWith(claims: object, bytes: number): string {
  return `${encode({ alg: 'ES256', kid: 'ec-1' })}.${encode(claims)}.${Buffer.alloc(bytes).toString('base64url')}`;
}

function inDer(claims: object): string {
  const text = `${encode({ alg: 'ES256', kid: 'ec-1' })}.${encode(claims)}`;
  return `${text}.${createSign('sha256').update(text).sign(ec.privateKey).toString('base64url')}`;
}

function swapPayload(token: string, claims: object): string {
  const [header, , signature] = token.split('.');
  return `${header}.${encode(claims)}.${signature}`;
}

/** The same bytes, where the last character has bits to spare; else one of which nothing comes. */
function oddBits(token: string, index: number): string {
  const parts = token.split('.');
  const part = parts[index]!;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(part.at(-1)!);
  parts[index] = part.length % 4 === 0 ? `${part}A` : part.slice(0, -1) + alphabet[last + 1];
  return parts.join('.');
}

function jwkOf({ publicKey }: IssuedKey) {
  return publicKey.export({ format: 'jwk' });
}

function pem({ publicKey }: IssuedKey): string {
  return String(publicKey.export({ type: 'spki', format: 'pem' }));
}
