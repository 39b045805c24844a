import type { HashPolicy, LoadBalancerPolicy } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { meshFetch } from '../../src/http/fetch.js';
import { retryEverything, type StaticMesh, staticMesh } from '../support/static-mesh.js';
import { httpServer } from '../support/test-server.js';

/** A server that answers with its own port, and with the cookies it was sent. */
async function namedServer(): Promise<number> {
  const { port } = keep(
    await httpServer((req, res) => {
      res.setHeader('x-cookies', req.headers.cookie ?? '');
      res.end(String(req.socket.localPort));
    }),
  );
  return port;
}

const ringHash = { kind: 'ringHash', minimumRingSize: 1024, maximumRingSize: 8_388_608 } as const;
const maglev: LoadBalancerPolicy = { kind: 'maglev', tableSize: 65_537 };
const byVersion: HashPolicy = { kind: 'header', name: 'version', rewrite: undefined, terminal: false };
const byCookie: HashPolicy = { kind: 'cookie', name: 'user', ttlMs: 60_000, path: '/', terminal: false };

async function meshOf(servers: number, hash: HashPolicy, loadBalancer: LoadBalancerPolicy = ringHash) {
  const ports = await Promise.all(Array.from({ length: servers }, namedServer));
  const mesh = keep(staticMesh(ports, { cluster: { loadBalancer }, action: { hash: [hash] }, retry: retryEverything }));
  return { ports, mesh, get: getter(mesh) };
}

function getter(mesh: StaticMesh) {
  const fetch = meshFetch(mesh.dispatcher);
  return async (headers: Record<string, string>) => {
    const response = await fetch('http://reviews/', { headers });
    const { headers: answered } = response;
    return {
      port: Number(await response.text()),
      setCookie: answered.getSetCookie(),
      cookies: answered.get('x-cookies'),
    };
  };
}

describe('consistent hash over sockets', () => {
  it.each([ringHash, maglev])('by a header: one value always reaches the same endpoint ($kind)', async (policy) => {
    const { get, ports } = await meshOf(3, byVersion, policy);
    const seen = new Set<number>();
    for (let version = 0; version < 60; version += 1) {
      const headers = { version: `v${version}` };
      const first = await get(headers);
      expect((await get(headers)).port).toBe(first.port);
      seen.add(first.port);
    }
    expect(seen).toEqual(new Set(ports));
  });

  it('leaves the keys of the others where they are when an endpoint leaves', async () => {
    // One place for each endpoint, so that the places of those who stay are the same with two endpoints as with three.
    const { get, ports, mesh } = await meshOf(3, byVersion, { ...ringHash, minimumRingSize: 1 });
    const versions = Array.from({ length: 30 }, (_, index) => ({ version: `v${index}` }));
    const before = await Promise.all(versions.map(get));
    mesh.setPorts(ports.slice(1));
    const after = await Promise.all(versions.map(get));
    for (const [index, { port }] of before.entries()) {
      if (port === ports[0]) expect(ports.slice(1)).toContain(after[index]!.port);
      else expect(after[index]!.port).toBe(port);
    }
  });

  it('sets the cookie that is absent, and comes to the same endpoint when it is sent back', async () => {
    const { get } = await meshOf(3, byCookie);
    for (let client = 0; client < 5; client += 1) {
      const first = await get({});
      expect(first.setCookie).toHaveLength(1);
      expect(first.setCookie[0]).toMatch(/^user="[0-9a-f]{16}"; Max-Age=60; Path=\/; HttpOnly$/);
      expect(first.cookies).toBe('');
      const again = await get({ cookie: first.setCookie[0]!.split(';')[0]! });
      expect(again.port).toBe(first.port);
      expect(again.setCookie).toEqual([]);
    }
  });

  it('sets one cookie, whatever it took to get an answer', async () => {
    let requests = 0;
    const { port } = keep(
      await httpServer((req, res) => {
        requests += 1;
        if (requests === 1) req.socket.destroy();
        else res.end(String(port));
      }),
    );
    const retry = { ...retryEverything, on: new Set(['5xx'] as const) };
    const get = getter(
      keep(staticMesh([port], { cluster: { loadBalancer: maglev }, action: { hash: [byCookie] }, retry })),
    );
    expect((await get({})).setCookie).toHaveLength(1);
    expect(requests).toBe(2);
  });
});
