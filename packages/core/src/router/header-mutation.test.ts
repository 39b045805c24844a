import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderMutations, HeaderWrite, Route } from '../model/route.js';
import { FakeReply } from '../testing/fake-reply.js';
import { type TestCallInit, testCall, testForward, testRoute } from '../testing/index.js';
import { mutateRequestHeaders, mutateResponseHeaders } from './header-mutation.js';

function write(name: string, text: string, action: HeaderWrite['action'] = 'append', keepEmpty = false): HeaderWrite {
  return { name, value: [{ kind: 'text', text }], action, keepEmpty };
}

const mutations = (overrides: Partial<HeaderMutations>): HeaderMutations => ({ remove: [], write: [], ...overrides });

function callOn(route: Partial<Omit<Route, 'match'>>, init: TestCallInit = {}, target: Partial<HeaderTarget> = {}) {
  const call = testCall(init);
  call.route = testRoute(route);
  call.action = testForward();
  call.target = { cluster: 'reviews', weight: 1, ...target };
  return call;
}

interface HeaderTarget {
  requestHeaders: HeaderMutations;
  responseHeaders: HeaderMutations;
}

describe('mutateRequestHeaders', () => {
  it('removes before it writes', () => {
    const list = [mutations({ remove: ['x-a'], write: [write('x-a', 'new')] })];
    const call = callOn({ requestHeaders: list }, { headers: { 'x-a': ['1', '2'] } });
    mutateRequestHeaders(call);
    expect(call.headers.flat).toEqual(['x-a', 'new']);
  });

  it.each([
    ['append', undefined, 'new'],
    ['append', 'old', 'old,new'],
    ['addIfAbsent', undefined, 'new'],
    ['addIfAbsent', 'old', 'old'],
    ['overwrite', undefined, 'new'],
    ['overwrite', 'old', 'new'],
    ['overwriteIfExists', undefined, undefined],
    ['overwriteIfExists', 'old', 'new'],
  ] as const)('with %s on %s leaves %s', (action, before, after) => {
    const headers: Record<string, string> = before === undefined ? {} : { 'x-a': before };
    const call = callOn({ requestHeaders: [mutations({ write: [write('x-a', 'new', action)] })] }, { headers });
    mutateRequestHeaders(call);
    expect(call.headers.getJoined('x-a')).toBe(after);
  });

  it('applies the target’s before the route’s, and those in their order', () => {
    const call = callOn(
      { requestHeaders: [mutations({ write: [write('x-a', 'route')] }), mutations({ write: [write('x-a', 'host')] })] },
      {},
      { requestHeaders: mutations({ write: [write('x-a', 'target')] }) },
    );
    mutateRequestHeaders(call);
    expect(call.headers.getJoined('x-a')).toBe('target,route,host');
  });

  it('writes no empty value unless told to', () => {
    const list = [mutations({ write: [write('x-a', ''), write('x-b', '', 'overwrite', true)] })];
    const call = callOn({ requestHeaders: list });
    mutateRequestHeaders(call);
    expect(call.headers.flat).toEqual(['x-b', '']);
  });

  it('leaves host and the parts of the request line alone', () => {
    const names = ['host', ':authority', ':path', ':method', ':scheme'];
    const list = [mutations({ remove: names, write: names.map((name) => write(name, 'x', 'overwrite')) })];
    const call = callOn({ requestHeaders: list }, { headers: { host: 'reviews' } });
    mutateRequestHeaders(call);
    expect(call.headers.flat).toEqual(['host', 'reviews']);
  });

  it('is idempotent for overwrites and removals', () => {
    const name = fc.constantFrom('x-a', 'x-b', 'x-c');
    const writes = fc.array(
      fc.record({
        name,
        text: fc.constantFrom('', '1', '2'),
        action: fc.constantFrom('overwrite', 'overwriteIfExists'),
      }),
    );
    const headers = fc.dictionary(name, fc.array(fc.constantFrom('0', '9'), { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(fc.uniqueArray(name), writes, headers, (remove, list, before) => {
        const one = mutations({
          remove,
          write: list.map(({ name, text, action }) => write(name, text, action as HeaderWrite['action'])),
        });
        const call = callOn({ requestHeaders: [one] }, { headers: before });
        mutateRequestHeaders(call);
        const once = sorted(call.headers.flat);
        mutateRequestHeaders(call);
        expect(sorted(call.headers.flat)).toEqual(once);
      }),
    );
  });

  it('leaves of a removed header only what is written after', () => {
    const values = fc.array(fc.constantFrom('1', '2', '3'), { maxLength: 4 });
    fc.assert(
      fc.property(values, values, (before, written) => {
        const list = [mutations({ remove: ['x-a'], write: written.map((text) => write('x-a', text)) })];
        const call = callOn({ requestHeaders: list }, { headers: { 'x-a': before } });
        mutateRequestHeaders(call);
        expect(call.headers.flat.filter((_, index) => index % 2 === 1)).toEqual(written);
      }),
    );
  });
});

/** As `name=value`: an order among names is not promised. */
function sorted(flat: readonly string[]): string[] {
  return flat.flatMap((text, index) => (index % 2 === 0 ? [`${text}=${flat[index + 1]}`] : [])).sort();
}

describe('mutateResponseHeaders', () => {
  it('applies the target’s before the route’s, and reads the response', () => {
    const status: HeaderWrite = {
      name: 'x-status',
      value: [{ kind: 'responseCode' }, { kind: 'text', text: ' from ' }, { kind: 'upstreamCluster' }],
      action: 'overwrite',
      keepEmpty: false,
    };
    const call = callOn(
      { responseHeaders: [mutations({ remove: ['server'], write: [status] })] },
      {},
      { responseHeaders: mutations({ write: [write('server', 'ours', 'overwrite'), write('x-t', '1')] }) },
    );
    const reply = new FakeReply(204, { server: 'theirs' });
    mutateResponseHeaders(call, reply);
    expect(reply.header('server')).toBeUndefined();
    expect(reply.header('x-t')).toBe('1');
    expect(reply.header('x-status')).toBe('204 from reviews');
  });
});
