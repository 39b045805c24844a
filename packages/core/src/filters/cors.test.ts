import { describe, expect, it } from 'vitest';
import { SnapshotAssembler } from '../assemble.js';
import { inbound } from '../inbound.js';
import type { CorsPolicy } from '../model/route.js';
import { FakeReply } from '../testing/fake-reply.js';
import {
  FakeClock,
  seededRandom,
  TestCall,
  testHash64,
  testInboundChecks,
  testRoute,
  testRouteConfiguration,
} from '../testing/index.js';

const policy: CorsPolicy = {
  allowOrigins: [
    { kind: 'exact', value: 'https://shop.example', ignoreCase: false },
    { kind: 'suffix', value: '.trusted.example', ignoreCase: false },
  ],
  allowMethods: 'GET,POST',
  allowHeaders: 'x-a',
  exposeHeaders: 'x-b',
  maxAge: '600',
  allowCredentials: true,
  forwardUnmatchedPreflights: true,
};

class IncomingCall extends TestCall {
  readonly preset: Record<string, string> = {};

  override presetResponseHeader(name: string, value: string): void {
    this.preset[name] = value;
  }
}

async function serve(
  cors: CorsPolicy | undefined,
  init: { authority?: string; method?: string; headers?: Record<string, string> },
) {
  const clock = new FakeClock();
  const random = seededRandom(1);
  const snapshot = new SnapshotAssembler({
    clock,
    random,
    hash64: testHash64,
    searchDomains: ['svc.cluster.local'],
  }).assemble({
    listeners: new Map([['reviews.default.svc.cluster.local:80', { name: 'reviews', routes: 'r' }]]),
    routes: new Map([['r', testRouteConfiguration([{ domains: ['*'], routes: [testRoute({ cors })] }], 'r')]]),
    clusters: new Map(),
    assignments: new Map(),
  });
  let served = 0;
  const service = inbound(
    async () => {
      served += 1;
      return new FakeReply(204);
    },
    { clock, telemetry: [], policy: testInboundChecks, cors: { random, ownHost: 'reviews.default' } },
  );
  const call = new IncomingCall({ authority: 'reviews.default', snapshot, ...init });
  const reply = await service(call);
  return { reply, preset: call.preset, served };
}

const preflight = (origin: string, asked = 'PUT') => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': asked, 'access-control-request-headers': 'x-asked' },
});

const allowed = {
  'access-control-allow-origin': 'https://shop.example',
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'x-b',
};

describe('a request of an allowed origin', () => {
  it('reaches the handler, and its response may be read', async () => {
    const { preset, served } = await serve(policy, { headers: { origin: 'https://shop.example' } });
    expect(preset).toEqual(allowed);
    expect(served).toBe(1);
  });

  it('is known by each kind of matcher, and by a star', async () => {
    const origin = 'https://a.trusted.example';
    expect((await serve(policy, { headers: { origin } })).preset['access-control-allow-origin']).toBe(origin);
    const star: CorsPolicy = { ...policy, allowOrigins: [{ kind: 'exact', value: '*', ignoreCase: false }] };
    expect((await serve(star, { headers: { origin: 'null' } })).preset['access-control-allow-origin']).toBe('null');
  });

  it('is told no more than the policy says', async () => {
    const bare = { ...policy, allowCredentials: false, exposeHeaders: '' };
    const { preset } = await serve(bare, { headers: { origin: 'https://shop.example' } });
    expect(preset).toEqual({ 'access-control-allow-origin': 'https://shop.example' });
  });

  it('falls under the routes of the own service when it came by an address', async () => {
    const { preset } = await serve(policy, { authority: '10.0.0.7:8080', headers: { origin: 'https://shop.example' } });
    expect(preset).toEqual(allowed);
  });
});

describe('a request', () => {
  it.each<[string, CorsPolicy | undefined, Record<string, string>]>([
    ['of another origin', policy, { origin: 'https://evil.example' }],
    ['without an origin', policy, {}],
    ['with an empty origin', policy, { origin: '' }],
    ['to a route without a policy', undefined, { origin: 'https://shop.example' }],
  ])('%s reaches the handler, and nothing is said', async (_, cors, headers) => {
    const { preset, served } = await serve(cors, { headers });
    expect(preset).toEqual({});
    expect(served).toBe(1);
  });
});

describe('a preflight', () => {
  const said = ({ reply }: Awaited<ReturnType<typeof serve>>) =>
    ['origin', 'credentials', 'methods', 'headers'].map((name) => reply.header(`access-control-allow-${name}`));

  it('of an allowed origin is answered in the handler’s place', async () => {
    const answer = await serve(policy, preflight('https://shop.example'));
    expect(answer.served).toBe(0);
    expect(answer.reply.httpStatus).toBe(200);
    expect(said(answer)).toEqual(['https://shop.example', 'true', 'GET,POST', 'x-a']);
    expect(answer.reply.header('access-control-max-age')).toBe('600');
    expect(answer.reply.header('access-control-expose-headers')).toBeUndefined();
  });

  it('is told what it asked for where the policy has a star', async () => {
    const answer = await serve(
      { ...policy, allowMethods: '*', allowHeaders: '*' },
      preflight('https://shop.example', 'PATCH'),
    );
    expect(said(answer)).toEqual(['https://shop.example', 'true', 'PATCH', 'x-asked']);
  });

  it('of another origin reaches the handler', async () => {
    const answer = await serve(policy, preflight('https://evil.example'));
    expect(answer.served).toBe(1);
    expect(answer.preset).toEqual({});
  });

  it('of another origin is answered without allowing it, where it must not reach the handler', async () => {
    const answer = await serve({ ...policy, forwardUnmatchedPreflights: false }, preflight('https://evil.example'));
    expect(answer.served).toBe(0);
    expect(answer.reply.httpStatus).toBe(200);
    expect(answer.reply.header('access-control-allow-origin')).toBeUndefined();
  });

  it('is one only with the method that is asked for', async () => {
    const headers = { origin: 'https://shop.example' };
    expect((await serve(policy, { method: 'OPTIONS', headers })).served).toBe(1);
    const asking = { ...headers, 'access-control-request-method': 'GET' };
    expect((await serve(policy, { method: 'GET', headers: asking })).served).toBe(1);
  });
});
