import { describe, expect, it } from 'vitest';
import type { HeaderValuePart } from '../model/route.js';
import { MeshSnapshot } from '../snapshot.js';
import { FakeReply } from '../testing/fake-reply.js';
import { testCall, testEndpointView, testRoute } from '../testing/index.js';
import { renderHeaderValue } from './header-value.js';

const header = (kind: 'requestHeader' | 'responseHeader', name: string, rest: object = {}): HeaderValuePart => ({
  kind,
  name,
  alternative: undefined,
  maxLength: undefined,
  ...rest,
});

const snapshot = new MeshSnapshot({
  generation: 1,
  listeners: new Map(),
  routeTables: new Map(),
  clusters: new Map(),
  searchDomains: [],
  hostname: 'pod-1',
});

function call() {
  const one = testCall({ snapshot, method: 'POST', path: '/a?b', headers: { host: 'shop', 'x-id': ['7', '8'] } });
  one.route = testRoute({ name: 'main' });
  one.target = { cluster: 'reviews', weight: 1 };
  one.endpoint = testEndpointView();
  one.sourceAddress = '10.1.1.1';
  return one;
}

describe('renderHeaderValue', () => {
  it.each([
    [header('requestHeader', 'x-id'), '7'],
    [header('requestHeader', 'x-none'), ''],
    [header('requestHeader', 'x-none', { alternative: ':path' }), '/a?b'],
    [header('requestHeader', ':method', { maxLength: 2 }), 'PO'],
    [header('requestHeader', ':authority'), 'shop'],
    [header('requestHeader', ':scheme'), 'http'],
    [header('responseHeader', ':status'), '418'],
    [header('responseHeader', 'etag'), 'abc'],
    [{ kind: 'upstreamHost' }, '10.0.0.1:8080'],
    [{ kind: 'upstreamCluster' }, 'reviews'],
    [{ kind: 'routeName' }, 'main'],
    [{ kind: 'protocol' }, 'HTTP/1.1'],
    [{ kind: 'responseCode' }, '418'],
    [{ kind: 'responseFlags' }, '-'],
    [{ kind: 'sourceAddress' }, '10.1.1.1'],
    [{ kind: 'hostname' }, 'pod-1'],
  ] as const)('puts %j as %s', (part, value) => {
    expect(renderHeaderValue([part as HeaderValuePart], call(), new FakeReply(418, { etag: 'abc' }))).toBe(value);
  });

  it('joins its parts, and nothing of a response is known before it', () => {
    const parts: HeaderValuePart[] = [
      { kind: 'text', text: 'a' },
      header('responseHeader', 'etag'),
      { kind: 'responseCode' },
      { kind: 'text', text: 'b' },
    ];
    expect(renderHeaderValue(parts, call(), undefined)).toBe('ab');
  });
});
