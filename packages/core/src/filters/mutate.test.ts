import { describe, expect, it } from 'vitest';
import type { Call } from '../call.js';
import type { ForwardAction, HeaderMutations, Route, WeightedTarget } from '../model/route.js';
import type { Service } from '../service.js';
import { FakeReply } from '../testing/fake-reply.js';
import { type TestCallInit, testCall, testEndpointView, testForward, testRoute } from '../testing/index.js';
import { endpointAuthorityFilter, mutateFilter } from './mutate.js';

interface Setup {
  call?: TestCallInit;
  action?: Partial<Omit<ForwardAction, 'kind' | 'totalWeight'>>;
  target?: Partial<WeightedTarget>;
  route?: Parameters<typeof testRoute>[0];
}

function callOf({ call, action, target, route }: Setup): Call {
  const one = testCall({ headers: { host: 'reviews' }, ...call });
  one.route = testRoute(route);
  one.action = testForward(action);
  one.target = { cluster: 'reviews', weight: 1, ...target };
  return one;
}

async function mutated(setup: Setup): Promise<Call> {
  const call = callOf(setup);
  await mutateFilter(async () => new FakeReply(200))(call);
  return call;
}

const text = (name: string, value: string): HeaderMutations => ({
  remove: [],
  write: [{ name, value: [{ kind: 'text', text: value }], action: 'append', keepEmpty: false }],
});

const match = { path: { kind: 'prefix', value: '/old', ignoreCase: false } } as const satisfies Partial<Route['match']>;

describe('mutateFilter', () => {
  it('gives on the next service’s own promise when the route changes nothing', () => {
    const promise = Promise.resolve(new FakeReply(200));
    const next: Service = () => promise;
    expect(mutateFilter(next)(callOf({}))).toBe(promise);
  });

  it('rewrites the path and keeps the old one in x-envoy-original-path', async () => {
    const call = await mutated({
      call: { path: '/old/x?q=1' },
      route: { match },
      action: { pathRewrite: { kind: 'prefix', value: '/new' } },
    });
    expect(call.path).toBe('/new/x?q=1');
    expect(call.headers.get('x-envoy-original-path')).toBe('/old/x?q=1');
  });

  it('says nothing of a rewrite that changes nothing', async () => {
    const call = await mutated({
      call: { path: '/old/x' },
      route: { match },
      action: { pathRewrite: { kind: 'prefix', value: '/old' } },
    });
    expect(call.headers.has('x-envoy-original-path')).toBe(false);
  });

  it.each([
    [{ kind: 'literal', value: 'other.example' }, 'other.example'],
    [{ kind: 'header', name: 'x-host' }, 'from-header'],
    [{ kind: 'header', name: 'x-none' }, 'reviews'],
    [{ kind: 'endpoint' }, 'reviews'],
  ] as const)('rewrites the host by %j', async (authorityRewrite, host) => {
    const headers = { host: 'reviews', 'x-host': 'from-header' };
    const call = await mutated({ call: { headers }, action: { authorityRewrite } });
    expect(call.headers.getJoined('host')).toBe(host);
  });

  it('takes the host out of the path as it came, though the path is rewritten too', async () => {
    const rewrite = {
      source: '^/old/(.+)$',
      substitution: '\\1.example',
      rewrite: (path: string) => path.replace(/^\/old\/(.+)$/, '$1.example'),
    };
    const call = await mutated({
      call: { path: '/old/shop?q' },
      route: { match },
      action: { pathRewrite: { kind: 'prefix', value: '/new' }, authorityRewrite: { kind: 'pathRegex', rewrite } },
    });
    expect(call.headers.get('host')).toBe('shop.example');
    expect(call.path).toBe('/new/shop?q');
  });

  it.each([
    [{ kind: 'literal', value: 'action' }, 'action'],
    [{ kind: 'header', name: 'x-none' }, 'target'],
    [undefined, 'target'],
  ] as const)('takes the target’s host where the action’s, %j, writes none', async (authorityRewrite, host) => {
    const call = await mutated({
      action: { authorityRewrite },
      target: { authorityRewrite: { kind: 'literal', value: 'target' } },
    });
    expect(call.headers.get('host')).toBe(host);
  });

  it('writes headers that see the path and host as they came, and may name the host', async () => {
    const value = [{ kind: 'requestHeader', name: ':path', alternative: undefined, maxLength: undefined }] as const;
    const write = [
      { name: 'x-path', value, action: 'append', keepEmpty: false },
      ...text('x-host', 'named').write,
    ] as const;
    const call = await mutated({
      call: { path: '/old/x' },
      route: { match, requestHeaders: [{ remove: [], write }] },
      action: {
        pathRewrite: { kind: 'prefix', value: '/new' },
        authorityRewrite: { kind: 'header', name: 'x-host' },
      },
    });
    expect(call.headers.get('x-path')).toBe('/old/x');
    expect(call.headers.get('host')).toBe('named');
  });

  it('changes the response, the target’s changes first', async () => {
    const call = callOf({
      target: { responseHeaders: text('x-a', 'target') },
      route: { responseHeaders: [text('x-a', 'route'), { remove: ['server'], write: [] }] },
    });
    const reply = await mutateFilter(async () => new FakeReply(200, { server: 's' }))(call);
    expect(reply.header('x-a')).toBe('target');
    expect(reply.header('server')).toBeUndefined();
  });
});

describe('endpointAuthorityFilter', () => {
  const sent: (string | undefined)[] = [];
  const service = endpointAuthorityFilter(async (call) => {
    sent.push(call.headers.getJoined('host'));
    return new FakeReply(200);
  });

  it('makes the endpoint’s name the host, for each attempt anew', async () => {
    const call = callOf({ action: { authorityRewrite: { kind: 'endpoint' } } });
    for (const hostname of ['a.example', 'b.example', undefined]) {
      call.attempt += 1;
      call.endpoint = testEndpointView({ hostname });
      await service(call);
    }
    expect(sent.splice(0)).toEqual(['a.example', 'b.example', 'reviews']);
  });

  it('leaves the host alone where the route does not ask for it', async () => {
    const call = callOf({});
    call.endpoint = testEndpointView({ hostname: 'a.example' });
    await service(call);
    expect(sent.splice(0)).toEqual(['reviews']);
  });
});
