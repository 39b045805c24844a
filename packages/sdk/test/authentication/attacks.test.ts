import { createHmac } from 'node:crypto';
import { testCall } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import {
  attacks,
  audience,
  badFormat,
  badSignature,
  ec,
  goodClaims,
  nameless,
  partner,
  partnerIssuer,
  rsa,
  stranger,
  unsupported,
} from './attack-tokens.js';
import { encode, keySet, makeKey, sign } from './issuer.js';
import { authentication, callWith, now, provider, Setup } from './setup.js';

const good = goodClaims(now);

/** The issuer, and another one that is trusted as well. */
const both = authentication([
  provider({ audiences: [audience] }),
  provider({ name: 'partner', issuer: partnerIssuer, keys: { kind: 'inline', jwks: keySet([partner]) } }),
]);

describe('a token is refused for', () => {
  const exact = [
    { what: 'a time that has just passed', make: () => sign(rsa, { ...good, exp: now - 61 }), says: 'Jwt is expired' },
    { what: 'a time just to come', make: () => sign(rsa, { ...good, nbf: now + 61 }), says: 'Jwt not yet valid' },
    { what: 'no text at all', make: () => '', says: badFormat },
  ];

  it.each([...attacks(now), ...exact])('$what', async ({ make, says }) => {
    const setup = new Setup([rsa, ec, nameless]);
    const call = callWith(await make());
    expect(await setup.check(call, both)).toBe(`401 ${says}`);
    expect(call.token).toBeUndefined();
    // Whatever a token names, keys come of the configuration alone.
    expect(setup.fetched.every((uri) => uri === 'https://issuer.example/jwks')).toBe(true);
  });

  it('a second token that is bad beside a good one', async () => {
    const setup = new Setup([rsa]);
    const headers = { authorization: `Bearer ${await sign(rsa, good)}` };
    const call = testCall({ path: `/?access_token=${await sign(stranger, good)}`, headers });
    expect(await setup.check(call)).toBe(`401 ${badSignature}`);
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
    const text = `${encode({ alg: 'HS256', kid: 'rsa-1' })}.${encode(good)}`;
    const hmac = `${text}.${createHmac('sha256', 'secret').update(text).digest('base64url')}`;
    const secret = { kty: 'oct', k: encode('secret'), kid: 'rsa-1' };
    expect(await send(hmac, secret)).toBe(`401 ${unsupported}`);
    expect(await send(token, secret)).toMatch(/any valid public key/);
  });
});
