import type { FaultPolicy, HeaderMutations } from '@inmesh/core';
import { testForward, testOutlierDetection, testRetryPolicy } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { explainSnapshot } from '../src/explain.js';
import { formatExplanation } from '../src/format-explanation.js';
import { type StaticMesh, staticMesh } from './support/static-mesh.js';

const open: StaticMesh[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function explain(options: Parameters<typeof staticMesh>[1], headers: Record<string, string> = {}) {
  const mesh = staticMesh([9001], options);
  open.push(mesh);
  const explanation = explainSnapshot(mesh.internals.snapshots.current, {
    url: 'http://reviews/v1/books?id=7',
    headers,
  });
  return { action: explanation.action!, text: formatExplanation(explanation) };
}

const match = { path: { kind: 'prefix', value: '/v1', ignoreCase: false } } as const;

const fault: FaultPolicy = {
  delay: { fixedMs: 5000, perMillion: 400_000 },
  abort: { httpStatus: 503, grpcStatus: 14, perMillion: 200_000 },
  headers: [{ name: 'end-user', test: { kind: 'present', present: true }, invert: false, treatMissingAsEmpty: false }],
  maxActive: 3,
};

const requestHeaders: HeaderMutations = {
  remove: ['x-a'],
  write: [
    {
      name: 'x-b',
      value: [
        { kind: 'text', text: 'for ' },
        { kind: 'requestHeader', name: 'x-id', alternative: ':path', maxLength: 9 },
      ],
      action: 'append',
      keepEmpty: false,
    },
    { name: 'x-c', value: [{ kind: 'upstreamHost' }], action: 'overwrite', keepEmpty: false },
    { name: 'x-d', value: [{ kind: 'text', text: '1' }], action: 'addIfAbsent', keepEmpty: false },
    { name: 'x-e', value: [{ kind: 'text', text: '2' }], action: 'overwriteIfExists', keepEmpty: false },
  ],
};

describe('an explanation', () => {
  it('tells where a redirect leads this request', () => {
    const redirect = { kind: 'redirect', httpStatus: 308, scheme: 'https', host: undefined, port: undefined } as const;
    const path = { kind: 'prefix', value: '/v2' } as const;
    const { action, text } = explain({ route: { match, action: { ...redirect, path, stripQuery: true } } });
    expect(action.redirect).toEqual({ httpStatus: 308, location: 'https://reviews/v2/books' });
    expect(text).toContain('\n  redirected with 308 to https://reviews/v2/books');
  });

  it('tells status and size of a direct response, and its headers', () => {
    const { action, text } = explain({
      route: {
        action: { kind: 'directResponse', httpStatus: 503, body: 'später' },
        responseHeaders: [{ remove: ['x-a'], write: [] }],
      },
    });
    expect(action.directResponse).toEqual({ httpStatus: 503, bodyBytes: 7 });
    expect(text).toContain(
      '\n  answered with 503 and a body of 7 bytes by the route itself\n  response header: remove x-a',
    );
    const empty = explain({ route: { action: { kind: 'directResponse', httpStatus: 204, body: '' } } });
    expect(empty.text).toContain('answered with 204 and no body');
  });

  it('tells what a route does to a request besides forwarding it', () => {
    const { action, text } = explain({
      action: {
        pathRewrite: { kind: 'prefix', value: '/internal' },
        authorityRewrite: { kind: 'header', name: 'x-host' },
        mirrors: [{ cluster: 'copy', perMillion: 25_000, shadowSuffix: true }],
        hash: [
          { kind: 'header', name: 'x-user', rewrite: undefined, terminal: true },
          { kind: 'cookie', name: 'session', ttlMs: 0, path: '/', terminal: false },
          { kind: 'cookie', name: 'id', ttlMs: 60_000, path: '/', terminal: false },
          { kind: 'sourceAddress', terminal: false },
          { kind: 'queryParameter', name: 'user', terminal: false },
        ],
        priority: 'high',
      },
      route: {
        match,
        fault,
        requestHeaders: [requestHeaders],
        responseHeaders: [{ remove: ['server'], write: [] }],
      },
    });
    expect(action).toMatchObject({
      priority: 'high',
      path: '/internal/books?id=7',
      mirrors: [{ cluster: 'copy', percent: 2.5 }],
    });
    const lines = text.split('\n').slice(4);
    expect(
      lines.slice(
        0,
        lines.findIndex((line) => line.includes('100 % reviews')),
      ),
    ).toEqual([
      '  timeout none; no retries; high priority',
      '  fault: 40 % delayed by 5000 ms, 20 % aborted with 503 (gRPC status 14), where header end-user is present, at most 3 at once',
      '  path becomes /internal/books?id=7',
      '  host becomes the value of header x-host',
      '  request header: remove x-a',
      '  request header: append x-b: for %REQ(x-id?:path):9%',
      '  request header: set x-c: %UPSTREAM_REMOTE_ADDRESS%',
      '  request header: set x-d: 1, if absent',
      '  request header: set x-e: 2, if present',
      '  response header: remove server',
      '  mirrored: 2.5 % to copy',
      '  hashed by header x-user, and no other when it is there; cookie session, made for the session; cookie id, made for 60000 ms; source address; query parameter user',
    ]);
  });

  it('tells what is special about each target', () => {
    const target = {
      cluster: 'reviews',
      weight: 1,
      authorityRewrite: { kind: 'endpoint' },
      requestHeaders: { remove: ['x-a'], write: [] },
      responseHeaders: { remove: ['x-b'], write: [] },
      fault: { ...fault, delay: undefined, headers: [], maxActive: Number.POSITIVE_INFINITY },
    } as const;
    const { action, text } = explain({ route: { action: testForward({ targets: [target] }) } });
    expect(action.clusters![0]).toMatchObject({
      host: 'the name of the endpoint',
      requestHeaders: ['remove x-a'],
      responseHeaders: ['remove x-b'],
      fault: '20 % aborted with 503 (gRPC status 14)',
    });
    expect(text).toContain(
      '\n      fault: 20 % aborted with 503 (gRPC status 14)\n      host becomes the name of the endpoint\n',
    );
  });

  it('takes the request’s own Envoy headers into account', () => {
    const { action } = explain({}, { 'x-envoy-retry-on': '5xx', 'x-envoy-upstream-rq-timeout-ms': '70' });
    expect(action).toMatchObject({ timeoutMs: 70, retry: { attempts: 1, on: ['5xx'] } });
  });

  it('says nothing of what a route does not do', () => {
    const { action } = explain({});
    expect(Object.keys(action)).toEqual(['timeoutMs', 'clusters']);
    expect(Object.keys(action.clusters![0]!)).toEqual(['percent', 'name', 'loadBalancer', 'limits', 'endpoints']);
  });

  it('tells by which TLS an endpoint is called', () => {
    const workload = { kind: 'workload' } as const;
    const tls = { trust: workload, certificate: workload, sni: '', subjectAltNames: [], skipVerify: false };
    const byEndpoint = { transport: { kind: 'byEndpoint', tls } } as const;
    const line = (options: Parameters<typeof staticMesh>[1]) =>
      / {6}127.*$/m.exec(explain({ endpoint: { meshTls: true }, ...options }).text)![0];
    expect(line({ cluster: byEndpoint })).toBe('      127.0.0.1:9001 healthy, mutual TLS');
    expect(line({ cluster: byEndpoint, endpoint: {} })).toBe('      127.0.0.1:9001 healthy, no TLS of the mesh');
    const simple = { transport: { kind: 'tls', tls: { ...tls, certificate: undefined } } } as const;
    expect(line({ cluster: simple })).toBe('      127.0.0.1:9001 healthy, TLS');
    expect(explain({ cluster: byEndpoint }).action.clusters![0]!.endpoints[0]!.tls).toBe('none');
  });

  it('tells of a cluster what bounds its calls', () => {
    const cluster = {
      outlierDetection: testOutlierDetection({
        enforcingSuccessRate: 0,
        consecutive5xx: 2,
        baseEjectionTimeMs: 3000,
        maxEjectionPercent: 50,
      }),
      retryBudget: { percent: 25, minConcurrency: 4 },
    };
    const retry = testRetryPolicy({ statusCodes: [503, 429] });
    const { action, text } = explain({ cluster, route: { action: testForward({ retry }) } });
    expect(action.retry?.statusCodes).toEqual([503, 429]);
    expect(action.clusters![0]).toMatchObject({ endpoints: [{ health: 'healthy', priority: 0 }] });
    expect(text).toContain('2 retries on connect-failure, refused-stream, retriable-status-codes (503, 429)');
    expect(text).toContain('retries: 25 % of the calls under way, and 4 at least');
    expect(text).toContain('limits: maxConnections 1024, maxPendingRequests 1024, maxRequests 1024, maxRetries 3');
    expect(text).toContain(
      'ejects after 2 5xx in a row: out for 3 s and longer each time, 50 % of the endpoints at most',
    );
  });
});
