import { testCall } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { encode, type KeyKind, makeKey, sign } from './issuer.js';
import { authentication, bearer, callWith, issuer, now, provider, Setup } from './setup.js';

const key = makeKey('ES256', 'one');
const good = { iss: issuer, sub: 'me', aud: ['shop'], azp: 'app', exp: now + 600, roles: ['a'], realm: { name: 'r' } };

describe('a good token', () => {
  it.each<KeyKind>(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])('may be signed with %s', async (kind) => {
    const own = makeKey(kind, 'own');
    expect(await new Setup([key, own]).send(await sign(own, good))).toBe('passed');
  });

  it('is what policies and the handler see', async () => {
    const call = callWith(await sign(key, { ...good, scope: 'read write' }));
    const checked = await new Setup([key]).check(call, authentication([provider({ spaceDelimitedClaims: ['scope'] })]));
    expect(checked).toBe('passed');
    expect(call.token).toEqual({
      ...{ issuer, subject: 'me', audiences: ['shop'], presenter: 'app' },
      claims: { ...good, scope: ['read', 'write'] },
    });
  });

  it.each([
    ['it has just passed', { exp: now - 60 }],
    ['it is just to come', { nbf: now + 60 }],
    ['it says nothing of time', { exp: undefined }],
  ])('is taken within 60 s of its time: %s', async (_what, claims) => {
    expect(await new Setup([key]).send(await sign(key, { ...good, ...claims }))).toBe('passed');
  });

  it.each([
    ['a token without a key id', undefined, 'one'],
    ['a key without an id', 'one', undefined],
  ])('is found out by trying where there is %s', async (_what, inToken, inSet) => {
    const issued = [makeKey('ES256', inSet), { ...key, kid: inSet }];
    expect(await new Setup(issued).send(await sign({ ...key, kid: inToken }, good))).toBe('passed');
  });

  it('is for one of the audiences, whose scheme and last slash do not count', async () => {
    const to = authentication([provider({ audiences: ['bank', 'https://shop/'] })]);
    expect(await new Setup([key]).send(await sign(key, good), to)).toBe('passed');
  });
});

describe('a token that is missing', () => {
  it('is left to authorization', async () => {
    const setup = new Setup([key]);
    expect(setup.authenticator.authenticate(testCall(), authentication([provider()]))).toBeUndefined();
    expect(await setup.check(testCall({ headers: { authorization: 'Basic abc' } }))).toBe('passed');
    expect(setup.fetched).toEqual([]);
  });

  it('is refused where one is required', async () => {
    const call = testCall({ authority: 'shop', path: '/a"b?access=1' });
    const to = authentication([provider()], { allowMissing: false });
    const refusal = await new Setup([key]).authenticator.authenticate(call, to);
    expect(refusal).toMatchObject({ httpStatus: 401, body: 'Jwt is missing', flags: 'UAEX' });
    expect(refusal?.headers).toContain('Bearer realm="http://shop/a_b"');
  });

  it('is as one that is bad where either passes', async () => {
    const to = authentication([provider()], { allowMissing: false, allowMissingOrFailed: true });
    const setup = new Setup([key]);
    const call = callWith('a.b.c');
    expect([await setup.check(testCall(), to), await setup.check(call, to), call.token]).toEqual([
      'passed',
      'passed',
      undefined,
    ]);
  });
});

describe('a preflight', () => {
  const preflight = { origin: 'https://page.example', 'access-control-request-method': 'PUT' };
  const required = authentication([provider({ payloadHeader: 'x-payload' })], { allowMissing: false });
  const ask = (to: typeof required, method: string, headers: Record<string, string>) =>
    new Setup([key]).check(testCall({ method, headers }), to);

  it('needs no token where it is let through, and brings no claims', async () => {
    const to = { ...required, bypassCorsPreflight: true };
    const call = testCall({ method: 'OPTIONS', headers: { ...preflight, 'x-payload': 'forged' } });
    expect(await new Setup([key]).check(call, to)).toBe('passed');
    expect([call.token, call.headers.get('x-payload')]).toEqual([undefined, undefined]);
    expect(await ask(to, 'OPTIONS', { ...preflight, authorization: 'Bearer nonsense' })).toBe('passed');
  });

  it('is told by its method and headers, and is nothing else where it is not let through', async () => {
    const to = { ...required, bypassCorsPreflight: true };
    expect(await ask(to, 'PUT', preflight)).toBe('401 Jwt is missing');
    expect(await ask(to, 'OPTIONS', { origin: preflight.origin })).toBe('401 Jwt is missing');
    expect(await ask(to, 'OPTIONS', { 'access-control-request-method': 'PUT' })).toBe('401 Jwt is missing');
    expect(await ask(required, 'OPTIONS', preflight)).toBe('401 Jwt is missing');
  });
});

describe('a refusal', () => {
  it('has the challenge of RFC 6750', async () => {
    const refusal = await new Setup([key]).authenticator.authenticate(callWith('x'), authentication([provider()]));
    expect(refusal?.headers).toEqual([
      ...['content-type', 'text/plain'],
      ...['www-authenticate', 'Bearer realm="http://reviews/", error="invalid_token"'],
      ...['x-inmesh-reason', 'unauthorized'],
    ]);
  });
});

describe('several providers', () => {
  const other = makeKey('ES256', 'one');
  const set = (issued: typeof key) =>
    ({ kind: 'inline', jwks: JSON.stringify({ keys: [issued.publicKey.export({ format: 'jwk' })] }) }) as const;
  const to = authentication([
    provider({ name: 'a', keys: set(key) }),
    provider({
      name: 'b',
      issuer: 'https://b.example',
      keys: set(other),
      places: [{ kind: 'header', name: 'x-jwt', prefix: '' }, bearer],
    }),
  ]);

  it('take what any of them takes', async () => {
    const setup = new Setup([]);
    expect(await setup.send(await sign(key, good), to)).toBe('passed');
    expect(await setup.send(await sign(other, { ...good, iss: 'https://b.example' }), to)).toBe('passed');
    const headers = { 'x-jwt': await sign(other, { ...good, iss: 'https://b.example' }) };
    expect(await setup.check(testCall({ headers }), to)).toBe('passed');
  });

  it('refuse a bad token beside a good one of the same issuer, whatever another issuer says', async () => {
    const path = `/?access_token=${await sign(key, { ...good, exp: 1 })}`;
    const headers = {
      authorization: `Bearer ${await sign(key, good)}`,
      'x-jwt': await sign(other, { ...good, iss: 'https://b.example' }),
    };
    expect(await new Setup([]).check(testCall({ path, headers }), to)).toBe('401 Jwt is expired');
  });

  it('refuse what none does, for the reason of the one whose issuer it names', async () => {
    const setup = new Setup([]);
    expect(await setup.send(await sign(other, good), to)).toBe('401 Jwt verification fails');
    expect(await setup.send(await sign(key, { ...good, iss: 'https://c.example' }), to)).toBe(
      '401 Jwt issuer is not configured',
    );
  });
});

describe('the places of a token', () => {
  it.each([
    ['a header without a prefix', { kind: 'header', name: 'x-token', prefix: '' } as const],
    ['a header with a prefix', { kind: 'header', name: 'x-token', prefix: 'jwt-' } as const],
    ['a parameter', { kind: 'parameter', name: 'jwt' } as const],
    ['a cookie', { kind: 'cookie', name: 'session' } as const],
  ])('are %s, and it is dropped there unless it is to be forwarded', async (_what, place) => {
    const token = await sign(key, good);
    const make = () =>
      testCall({
        path: `/a?x=1&jwt=${token}&y=2`,
        headers: {
          'x-token': place.kind === 'header' ? place.prefix + token : 'other',
          cookie: `a=b; session=${token}; c=d`,
        },
      });
    const [dropped, kept] = [make(), make()];
    const setup = new Setup([key]);
    expect(await setup.check(dropped, authentication([provider({ places: [place] })]))).toBe('passed');
    expect(await setup.check(kept, authentication([provider({ places: [place], forward: true })]))).toBe('passed');
    const seen = ({ path, headers }: typeof kept) => JSON.stringify([path, headers.flat]);
    expect(seen(kept)).toBe(seen(make()));
    const expected = make();
    if (place.kind === 'header') expected.headers.delete('x-token');
    if (place.kind === 'parameter') expected.path = '/a?x=1&y=2';
    if (place.kind === 'cookie') expected.headers.set('cookie', 'a=b; c=d');
    expect(seen(dropped)).toBe(seen(expected));
  });

  it('are Authorization and access_token where nothing is said, in this order', async () => {
    const call = testCall({ path: `/?access_token=${await sign(key, good)}` });
    expect(await new Setup([key]).check(call)).toBe('passed');
    expect(call.path).toBe('/');
  });
});

describe('claims in headers', () => {
  const to = authentication([
    provider({
      payloadHeader: 'x-payload',
      claimHeaders: [
        { header: 'x-sub', claim: ['sub'] },
        { header: 'x-realm', claim: ['realm', 'name'] },
        { header: 'x-roles', claim: ['roles'] },
        { header: 'x-none', claim: ['none'] },
        { header: 'x-bad', claim: ['bad'] },
      ],
    }),
  ]);

  it('are those of the token', async () => {
    const token = await sign(key, { ...good, bad: 'a\r\nx-sub: root' });
    const call = callWith(token);
    expect(await new Setup([key]).check(call, to)).toBe('passed');
    expect(call.headers.flat).toEqual([
      ...['x-payload', token.split('.')[1]],
      ...['x-sub', 'me', 'x-realm', 'r'],
      ...['x-roles', Buffer.from('["a"]').toString('base64')],
    ]);
  });

  it('are never those of a client, also without a token', async () => {
    const forged = { 'x-payload': encode({ sub: 'root' }), 'x-sub': 'root', 'x-none': 'root' };
    const [without, withToken] = [testCall({ headers: forged }), callWith(await sign(key, good), forged)];
    const setup = new Setup([key]);
    expect(await setup.check(without, to)).toBe('passed');
    expect(await setup.check(withToken, to)).toBe('passed');
    expect(without.headers.flat).toEqual([]);
    expect(withToken.headers.getAll('x-sub')).toEqual(['me']);
    expect(withToken.headers.has('x-none')).toBe(false);
  });
});
