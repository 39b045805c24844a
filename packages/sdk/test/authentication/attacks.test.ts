import { createHmac } from 'node:crypto';
import { testCall } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { encode, makeKey, sign } from './issuer.js';
import { authentication, callWith, issuer, now, provider, Setup } from './setup.js';

const rsa = makeKey('RS256', 'rsa-1');
const ec = makeKey('ES256', 'ec-1');
const stranger = makeKey('RS256', 'rsa-1');
const good = { iss: issuer, sub: 'me', aud: 'shop', exp: now + 600 };

function hmacWithPublicKey(secret: string): string {
  const signed = `${encode({ alg: 'HS256', kid: 'rsa-1', typ: 'JWT' })}.${encode(good)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const unsupported = '401 Jwt header [alg] is not supported';
const badSignature = '401 Jwt verification fails';
const noKey = "401 Jwks doesn't have key to match kid or alg from Jwt";
const badFormat = '401 Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections';

describe('a token is refused for', () => {
  it.each<[string, () => string | Promise<string>, string]>([
    ['alg none', () => `${encode({ alg: 'none' })}.${encode(good)}.`, unsupported],
    ['alg None', () => `${encode({ alg: 'None' })}.${encode(good)}.`, unsupported],
    ['alg none with a signature', () => `${encode({ alg: 'none' })}.${encode(good)}.AAAA`, unsupported],
    ['no alg', () => `${encode({ kid: 'rsa-1' })}.${encode(good)}.AAAA`, unsupported],
    ['HMAC with the public key in PEM', () => hmacWithPublicKey(pem(rsa.publicKey)), unsupported],
    [
      'HMAC with the public key as JWK',
      () => hmacWithPublicKey(JSON.stringify(rsa.publicKey.export({ format: 'jwk' }))),
      unsupported,
    ],
    ['the key of a stranger', () => sign(stranger, good), badSignature],
    [
      'a key of its own in jwk',
      () => sign(stranger, good, { jwk: stranger.publicKey.export({ format: 'jwk' }) }),
      badSignature,
    ],
    ['a key of its own behind jku', () => sign(stranger, good, { jku: 'https://evil.example/jwks' }), badSignature],
    ['a key of its own behind x5u', () => sign(stranger, good, { x5u: 'https://evil.example/x' }), badSignature],
    ['a kid that is a path', () => sign(stranger, good, { kid: '../../dev/null' }), noKey],
    ['a kid that asks a database', () => sign(stranger, good, { kid: "' OR 1=1 --" }), noKey],
    [
      'a kid that is no text',
      () => `${encode({ alg: 'RS256', kid: 7 })}.${encode(good)}.AAAA`,
      '401 Jwt header [kid] field is not a string',
    ],
    ['an algorithm of another kind than its key', () => sign(ec, good, { kid: 'rsa-1' }), noKey],
    [
      'a critical header',
      () => sign(rsa, good, { crit: ['b64'], b64: true }),
      '401 Jwt header [crit] is not supported',
    ],
    ['another payload', async () => swapPayload(await sign(rsa, good), { ...good, sub: 'root' }), badSignature],
    ['a signature that was cut off', async () => (await sign(rsa, good)).slice(0, -8), badSignature],
    ['no signature', async () => (await sign(rsa, good)).replace(/[^.]*$/, ''), badFormat],
    [
      'an ECDSA signature of zeros',
      () => `${encode({ alg: 'ES256', kid: 'ec-1' })}.${encode(good)}.${Buffer.alloc(64).toString('base64url')}`,
      badSignature,
    ],
    ['five parts', () => 'a.b.c.d.e', badFormat],
    ['no text at all', () => '', badFormat],
    ['two tokens in one header', async () => `${await sign(rsa, good)},Bearer ${await sign(rsa, good)}`, badFormat],
    ['a header that is no JSON', () => `${encode('{')}.${encode(good)}.AAAA`, '401 Jwt header is an invalid JSON'],
    [
      'a payload that is no object',
      () => `${encode({ alg: 'RS256' })}.${encode('[1]')}.AAAA`,
      '401 Jwt payload is an invalid JSON',
    ],
    [
      'times that are texts',
      () => sign(rsa, { ...good, exp: 'never' }),
      '401 Jwt payload [iss], [sub], [aud], [exp], [nbf] or [azp] is not of its type',
    ],
    ['a time that has passed', () => sign(rsa, { ...good, exp: now - 61 }), '401 Jwt is expired'],
    ['a time that is to come', () => sign(rsa, { ...good, nbf: now + 61 }), '401 Jwt not yet valid'],
    [
      'another issuer',
      () => sign(rsa, { ...good, iss: 'https://issuer.example/' }),
      '401 Jwt issuer is not configured',
    ],
    ['no issuer', () => sign(rsa, { ...good, iss: undefined }), '401 Jwt issuer is not configured'],
    [
      'another audience',
      () => sign(rsa, { ...good, aud: ['bank', 'shopping'] }),
      '401 Audiences in Jwt are not allowed',
    ],
    ['no audience', () => sign(rsa, { ...good, aud: undefined }), '401 Audiences in Jwt are not allowed'],
  ])('%s', async (_what, make, reason) => {
    const setup = new Setup([rsa, ec]);
    const call = callWith(await make());
    expect(await setup.check(call, authentication([provider({ audiences: ['shop'] })]))).toBe(reason);
    expect(call.token).toBeUndefined();
    // Whatever a token names, keys come of the configuration alone.
    expect(setup.fetched.every((uri) => uri === 'https://issuer.example/jwks')).toBe(true);
  });

  it('a second token that is bad beside a good one', async () => {
    const setup = new Setup([rsa]);
    const headers = { authorization: `Bearer ${await sign(rsa, good)}` };
    const call = testCall({ path: `/?access_token=${await sign(stranger, good)}`, headers });
    expect(await setup.check(call)).toBe(badSignature);
  });

  it('a key of the set that is weak, secret or for another use', async () => {
    const weak = makeKey('RS256', 'weak', 1024);
    const claims = { ...good };
    const jwks = (jwk: object) => JSON.stringify({ keys: [jwk] });
    const send = async (token: string, jwk: object) =>
      new Setup([]).send(token, authentication([provider({ keys: { kind: 'inline', jwks: jwks(jwk) } })]));
    const asJwk = rsa.publicKey.export({ format: 'jwk' });
    const token = await sign(rsa, claims);
    expect(await send(token, asJwk)).toBe('passed');
    expect(await send(token, { ...asJwk, use: 'enc' })).toBe("401 Jwks doesn't have any valid public key");
    expect(await send(token, { ...asJwk, alg: 'HS256' })).toBe("401 Jwks doesn't have any valid public key");
    expect(await send(token, { ...asJwk, key_ops: ['encrypt'] })).toBe("401 Jwks doesn't have any valid public key");
    const weakToken = `${encode({ alg: 'RS256', kid: 'weak' })}.${encode(claims)}.AAAA`;
    expect(await send(weakToken, weak.publicKey.export({ format: 'jwk' }))).toMatch(/any valid public key/);
    const secret = { kty: 'oct', k: encode('secret'), kid: 'rsa-1' };
    expect(await send(hmacWithPublicKey('secret'), secret)).toBe(unsupported);
    expect(await send(token, secret)).toMatch(/any valid public key/);
  });
});

function swapPayload(token: string, claims: object): string {
  const [header, , signature] = token.split('.');
  return `${header}.${encode(claims)}.${signature}`;
}

function pem(key: { export(options: { type: 'spki'; format: 'pem' }): string | Buffer }): string {
  return String(key.export({ type: 'spki', format: 'pem' }));
}
