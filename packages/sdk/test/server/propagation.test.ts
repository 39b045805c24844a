import { HeaderList } from '@inmesh/core';
import { testRoute, testRouteConfiguration } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import type { MeshInternals } from '../../src/mesh-internals.js';
import { InboundCall } from '../../src/server/inbound-call.js';
import { propagate } from '../../src/server/propagation.js';
import { testInternals } from './internals.js';

type Entries = [string, string][];

/** A mesh with a route that matches on these headers. */
function routing(...names: string[]): MeshInternals {
  const test = { kind: 'present', present: true } as const;
  const headers = names.map((name) => ({ name, test, invert: false, treatMissingAsEmpty: false }));
  const routes = [testRoute({ match: { headers } })];
  return testInternals({
    resources: { routes: new Map([['r', testRouteConfiguration([{ domains: ['*'], routes }], 'r')]]) },
  });
}

function propagated(
  incoming: Entries,
  {
    own = [],
    internals = testInternals(),
    inMesh = true,
  }: { own?: Entries; internals?: MeshInternals; inMesh?: boolean } = {},
): Entries {
  const call = new InboundCall({
    protocol: 'http',
    scheme: 'http',
    authority: 'reviews',
    method: 'GET',
    path: '/',
    headers: HeaderList.of(incoming),
    snapshot: internals.snapshots.current,
    startedAt: 0,
  });
  const outgoing = HeaderList.of(own);
  propagate(call, outgoing, internals, inMesh);
  const pairs: Entries = [];
  for (let i = 0; i < outgoing.flat.length; i += 2) pairs.push([outgoing.flat[i]!, outgoing.flat[i + 1]!]);
  return pairs;
}

const trace: Entries = [
  ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  ['tracestate', 'a=1'],
  ['tracestate', 'b=2'],
  ['baggage', 'k=v'],
  ['b3', '0'],
  ['x-b3-traceid', '1'],
  ['x-b3-sampled', '1'],
  ['x-request-id', 'r'],
  ['x-client-trace-id', 'c'],
  ['x-ot-span-context', 's'],
];

describe('the trace context', () => {
  it('goes to every host, in and out of the mesh', () => {
    expect(propagated(trace, { inMesh: true })).toEqual(trace);
    expect(propagated(trace, { inMesh: false })).toEqual(trace);
  });

  it('stays as the outgoing call has set it', () => {
    const own: Entries = [['x-request-id', 'mine']];
    const incoming: Entries = [
      ['x-request-id', 'theirs'],
      ['baggage', 'k=v'],
    ];
    expect(propagated(incoming, { own })).toEqual([...own, ['baggage', 'k=v']]);
  });

  it('is never half of one trace and half of another', () => {
    const own: Entries = [
      ['traceparent', 'mine'],
      ['x-b3-traceid', 'mine'],
    ];
    expect(propagated(trace.slice(0, 7), { own })).toEqual([...own, ['baggage', 'k=v']]);
  });
});

describe('routing headers', () => {
  it('are those that some route matches on, for hosts of the mesh only', () => {
    const incoming: Entries = [
      ['end-user', 'jason'],
      ['x-canary', '1'],
      ['x-other', '1'],
    ];
    const internals = routing('end-user', 'X-Canary');
    expect(propagated(incoming, { internals })).toEqual([
      ['end-user', 'jason'],
      ['x-canary', '1'],
    ]);
    expect(propagated(incoming, { internals, inMesh: false })).toEqual([]);
  });

  it.each([
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'host',
    'content-type',
    'content-length',
    'accept',
    'accept-language',
    'transfer-encoding',
    'connection',
    'te',
    'trailer',
    'upgrade',
    'user-agent',
    'grpc-timeout',
    'x-envoy-expected-rq-timeout-ms',
    'x-envoy-attempt-count',
    'x-inmesh-no-retry',
    'x-forwarded-for',
    'x-forwarded-client-cert',
    'range',
    'if-none-match',
  ])('never are %s, whatever routes match on', (name) => {
    expect(propagated([[name, 'x']], { internals: routing(name) })).toEqual([]);
  });

  it('are the listed ones instead where the user lists them, secrets included', () => {
    const internals = testInternals({ propagateHeaders: ['X-Tenant', 'authorization', 'content-length'] });
    const incoming: Entries = [
      ['x-tenant', 't'],
      ['authorization', 'Bearer x'],
      ['content-length', '3'],
      ['end-user', 'j'],
    ];
    expect(propagated(incoming, { internals })).toEqual([
      ['x-tenant', 't'],
      ['authorization', 'Bearer x'],
    ]);
    expect(propagated(incoming, { internals, inMesh: false })).toEqual([]);
  });

  it('follow the configuration', () => {
    const internals = routing('end-user');
    expect(propagated([['x-canary', '1']], { internals })).toEqual([]);
    internals.snapshots.replace(routing('x-canary').snapshots.current);
    expect(propagated([['x-canary', '1']], { internals })).toEqual([['x-canary', '1']]);
  });
});

it.each(['a\r\nb: c', 'a\0', 'a\x7f', '\u0100'])('a value that no request may carry is not copied: %j', (value) => {
  expect(propagated([['baggage', value]])).toEqual([]);
});

it('a value with a tab or with bytes above ASCII is copied', () => {
  expect(propagated([['baggage', 'a\tb\xff']])).toEqual([['baggage', 'a\tb\xff']]);
});
