import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { keySetFetcher } from '../../src/authentication/fetch-key-set.js';
import { SystemClock } from '../../src/runtime/system-clock.js';
import { keySet, makeKey, sign } from './issuer.js';
import { issuer, now, Setup } from './setup.js';

const key = makeKey('ES256', 'one');
const next = makeKey('ES256', 'two');
const claims = { iss: issuer, sub: 'me', exp: now + 86_400 };
const minute = 60_000;
const notFetched = '401 Jwks remote fetch is failed';
const noKey = "401 Jwks doesn't have key to match kid or alg from Jwt";

describe('the keys of an issuer', () => {
  it('are fetched once for many tokens, and again after 20 minutes without a wait', async () => {
    const setup = new Setup([key]);
    const token = await sign(key, claims);
    expect(await Promise.all(Array.from({ length: 20 }, () => setup.send(token)))).toEqual(Array(20).fill('passed'));
    expect(setup.fetched).toHaveLength(1);
    setup.clock.advance(20 * minute);
    await setup.send(token);
    expect(setup.fetched).toHaveLength(1);
    setup.clock.advance(1);
    setup.keys = [next];
    expect(await setup.send(token)).toBe('passed');
    expect(setup.fetched).toHaveLength(2);
    expect(await setup.send(token)).toBe(noKey);
  });

  it('are asked for at once when a token names another, and then at most once in 30 s', async () => {
    const setup = new Setup([key]);
    expect(await setup.send(await sign(key, claims))).toBe('passed');
    setup.keys = [key, next];
    setup.clock.advance(30_000);
    expect(await setup.send(await sign(next, claims))).toBe('passed');
    expect(setup.fetched).toHaveLength(2);
    const strange = await sign(makeKey('ES256', 'strange'), claims);
    for (let i = 0; i < 300; i += 1) {
      setup.clock.advance(100);
      expect(await setup.send(strange)).toBe(noKey);
    }
    expect(setup.fetched).toHaveLength(3);
  });

  it('are asked for once by a flood of tokens at the same time', async () => {
    const setup = new Setup([key]);
    await setup.send(await sign(key, claims));
    setup.clock.advance(30_000);
    const flood = await Promise.all(
      Array.from({ length: 50 }, (_, i) => sign({ ...next, kid: `k${i}` }, claims).then((token) => setup.send(token))),
    );
    expect(new Set(flood)).toEqual(new Set([noKey]));
    expect(setup.fetched).toHaveLength(2);
  });

  it('serve for an hour beyond their time while the issuer is away, and then no more', async () => {
    const setup = new Setup([key]);
    const token = await sign(key, claims);
    expect(await setup.send(token)).toBe('passed');
    setup.isAway = true;
    for (let at = 0; at < 80; at += 1) {
      setup.clock.advance(minute);
      expect(await setup.send(token)).toBe('passed');
    }
    setup.clock.advance(1);
    expect(await setup.send(token)).toBe(notFetched);
    expect(setup.fetched.length).toBeLessThanOrEqual(62);
    expect(setup.logged).toHaveLength(1);
    setup.isAway = false;
    setup.clock.advance(minute);
    expect(await setup.send(token)).toBe('passed');
    expect(setup.logged.map(({ message }) => message)).toEqual([
      expect.stringContaining('cannot be fetched'),
      expect.stringContaining('can be fetched again'),
    ]);
  });

  it('that were never had are asked for again sooner, at growing intervals', async () => {
    const setup = new Setup([key]);
    setup.isAway = true;
    const token = await sign(key, claims);
    const askedAt: number[] = [];
    for (let ms = 0; ms < 62_000; ms += 500) {
      const before = setup.fetched.length;
      expect(await setup.send(token)).toBe(notFetched);
      if (setup.fetched.length > before) askedAt.push(ms);
      setup.clock.advance(500);
    }
    expect(askedAt).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 61_000]);
  });

  it('are not asked for by a token that is refused for its claims', async () => {
    const setup = new Setup([key]);
    expect(await setup.send(await sign(key, { ...claims, exp: 1 }))).toBe('401 Jwt is expired');
    expect(setup.fetched).toEqual([]);
  });
});

describe('fetching keys', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  async function listen(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks?tenant=1`;
  }

  const fetchOnce = (uri: string) => keySetFetcher(new SystemClock({ keepsProcessAlive: true }))(uri, 5000);

  it('takes what a server answers', async () => {
    const paths: (string | undefined)[] = [];
    const uri = await listen((req, res) => {
      paths.push(req.url);
      res.end(keySet([key]));
    });
    expect(JSON.parse(await fetchOnce(uri)).keys).toHaveLength(1);
    expect(paths).toEqual(['/jwks?tenant=1']);
  });

  it('follows no redirect', async () => {
    let hits = 0;
    const uri = await listen((_req, res) => {
      hits += 1;
      res.writeHead(302, { location: '/elsewhere' }).end();
    });
    await expect(fetchOnce(uri)).rejects.toThrow('status 302: redirects are not followed');
    expect(hits).toBe(1);
  });

  it.each(['file:///etc/passwd', 'ftp://issuer.example/jwks', 'data:application/json,{}'])(
    'does not ask %s',
    async (uri) => {
      await expect(fetchOnce(uri)).rejects.toThrow('neither http: nor https:');
    },
  );

  it('gives up a body that is too long', async () => {
    const uri = await listen((_req, res) => void res.end(Buffer.alloc(2 * 1024 * 1024, ' ')));
    await expect(fetchOnce(uri)).rejects.toThrow();
  });

  it('gives up a server that does not answer in time', async () => {
    const asked = withResolvers();
    const uri = await listen(() => asked.resolve(undefined));
    const clock = new FakeClock();
    const fetching = keySetFetcher(clock)(uri, 5000);
    const failed = expect(fetching).rejects.toThrow('no answer within 5000 ms');
    await asked.promise;
    clock.advance(5000);
    await failed;
  });
});

function withResolvers() {
  let resolve!: (value: unknown) => void;
  const promise = new Promise((onValue) => {
    resolve = onValue;
  });
  return { promise, resolve };
}
