import { FakeClock } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiModel, answer, failure } from '../../../test/support/kubernetes/api-model.js';
import { KubernetesClient } from '../client/client.js';
import type { KubernetesObject, ResourceType } from '../client/objects.js';
import { Reflector, type ReflectorOptions } from './reflector.js';

const services: ResourceType = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true };
const routes: ResourceType = {
  ...{ group: 'networking.istio.io', version: 'v1', plural: 'virtualservices', kind: 'VirtualService' },
  namespaced: true,
};
const serviceList = '/api/v1/services';
const routeList = '/apis/networking.istio.io/v1/virtualservices';
const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function begin(model: ApiModel, options: Partial<ReflectorOptions<KubernetesObject>> = {}) {
  const clock = new FakeClock();
  const told: string[] = [];
  const random = () => 0;
  const reflector = new Reflector<KubernetesObject>({
    client: new KubernetesClient({ transport: model, clock, random }),
    ...{ type: services, clock, random },
    onChange: ({ changed, removed }) => {
      const names = (of: readonly KubernetesObject[]) => of.map(({ metadata }) => metadata.name).join('');
      told.push(`+${names(changed)} -${names(removed)}`);
    },
    onProblem: (problem) => told.push(problem === undefined ? 'well' : problem.kind),
    ...options,
  });
  open.push(reflector);
  return { clock, told, reflector };
}

function put(model: ApiModel, key: string, more: object = {}, collection = serviceList): void {
  const [namespace, name] = key.split('/') as [string, string];
  model.stored.set(collection, key, {
    ...more,
    metadata: { namespace, name, ...('metadata' in more ? (more.metadata as object) : {}) },
  });
}

function asked(model: ApiModel): string[] {
  return model.requests.map(({ path }) => {
    const { pathname, searchParams: query } = new URL(path, 'http://x');
    if (!query.has('watch')) return `LIST ${pathname}`;
    return `WATCH ${pathname} from ${query.get('resourceVersion')} for ${query.get('timeoutSeconds')}`;
  });
}

function synced(reflector: Reflector<KubernetesObject>): () => boolean {
  let is = false;
  void reflector.synced.then(() => {
    is = true;
  });
  return () => is;
}

describe('A reflector', () => {
  it('lists in pages, then follows', async () => {
    const model = new ApiModel();
    model.pageSize = 1;
    for (const name of ['a', 'b', 'c']) put(model, `shop/${name}`);
    const { clock, told, reflector } = begin(model);
    await clock.advanceAsync(0);
    await reflector.synced;
    expect(asked(model)).toEqual([...Array(3).fill(`LIST ${serviceList}`), `WATCH ${serviceList} from 1003 for 300`]);
    expect(model.requests[1]?.path).toBe(`${serviceList}?limit=500&continue=page-0`);
    expect(model.requests[3]?.path).toContain('allowWatchBookmarks=true');
    put(model, 'shop/b');
    model.stored.delete(serviceList, 'shop/a');
    await clock.advanceAsync(0);
    expect(told).toEqual(['+abc -', '+b -', '+ -a']);
    expect([...reflector.store.keys()]).toEqual(['shop/b', 'shop/c']);
    expect(reflector.store.get('shop/c')).toMatchObject({ apiVersion: 'v1', kind: 'Service' });
  });

  it('begins the list anew when its pages have been compacted under way', async () => {
    const model = new ApiModel();
    model.pageSize = 1;
    for (const name of ['a', 'b']) put(model, `shop/${name}`);
    model.intercept = ({ path }) => {
      if (!path.includes('continue')) return undefined;
      model.intercept = () => undefined;
      put(model, 'shop/c');
      model.stored.compact();
      return undefined;
    };
    const { clock, told } = begin(model);
    await clock.advanceAsync(0);
    expect(told).toEqual(['+abc -']);
  });

  it('goes on from its last bookmark when the watch has ended in order, at once', async () => {
    const model = new ApiModel();
    const { clock } = begin(model);
    await clock.advanceAsync(0);
    put(model, 'other/x', {}, '/api/v1/pods');
    model.bookmark();
    await clock.advanceAsync(10_000);
    model.cut('end');
    await clock.advanceAsync(0);
    expect(asked(model)).toEqual([
      `LIST ${serviceList}`,
      `WATCH ${serviceList} from 1000 for 300`,
      `WATCH ${serviceList} from 1001 for 300`,
    ]);
  });

  it('tells nothing of a cut but what has changed meanwhile', async () => {
    const model = new ApiModel();
    for (const name of ['a', 'b']) put(model, `shop/${name}`);
    const { clock, told } = begin(model);
    await clock.advanceAsync(20_000);
    model.isDown = true;
    model.cut('half');
    put(model, 'shop/c');
    await clock.advanceAsync(100);
    model.isDown = false;
    await clock.advanceAsync(1000);
    expect(told).toEqual(['+ab -', '+c -']);
  });

  it.each([false, true])('lists anew after 410 (as an event: %s), and tells the difference alone', async (asEvent) => {
    const model = new ApiModel();
    for (const name of ['a', 'b', 'c']) put(model, `shop/${name}`);
    const { clock, told, reflector } = begin(model);
    await clock.advanceAsync(20_000);
    model.goneAsEvent = asEvent;
    model.isDown = true;
    model.cut();
    put(model, 'shop/b');
    put(model, 'shop/d');
    model.stored.delete(serviceList, 'shop/a');
    model.stored.compact();
    await clock.advanceAsync(0);
    model.isDown = false;
    const before = reflector.store.size;
    expect(before).toBe(3);
    await clock.advanceAsync(50);
    await clock.advanceAsync(100);
    expect(told).toEqual(['+abc -', '+bd -a']);
    expect(asked(model).at(-1)).toBe(`WATCH ${serviceList} from 1006 for 300`);
  });

  it('is not taken back by what was said before the list', async () => {
    const model = new ApiModel();
    put(model, 'shop/a');
    const { clock, told } = begin(model);
    await clock.advanceAsync(20_000);
    const early = [...model.stored.history];
    model.stored.delete(serviceList, 'shop/a');
    await clock.advanceAsync(0);
    model.raw(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`);
    await clock.advanceAsync(1000);
    model.repeat(early);
    await clock.advanceAsync(0);
    expect(told).toEqual(['+a -', '+ -a']);
  });

  it('cuts a watch on which nothing comes for 90 s, and counts a bookmark as a sign of life', async () => {
    const model = new ApiModel();
    const { clock } = begin(model);
    await clock.advanceAsync(60_000);
    model.bookmark();
    await clock.advanceAsync(89_000);
    expect(asked(model)).toHaveLength(2);
    model.silence();
    await clock.advanceAsync(1100);
    expect(asked(model).slice(2)).toEqual([`LIST ${serviceList}`, `WATCH ${serviceList} from 1000 for 300`]);
    expect(model.openWatches).toBe(1);
  });

  it('lists anew, and not where it was, when a watch was silent: etcd may have been restored', async () => {
    const model = new ApiModel();
    for (const name of ['a', 'b', 'a']) put(model, `shop/${name}`);
    const { clock, told, reflector } = begin(model);
    await clock.advanceAsync(20_000);
    model.restore(() => {
      put(model, 'shop/c');
      put(model, 'shop/b', { spec: 'other' });
    });
    await clock.advanceAsync(200_000);
    expect([...reflector.store.keys()].sort()).toEqual(['shop/b', 'shop/c']);
    // With the version that it had before.
    expect(reflector.store.get('shop/b')).toMatchObject({ spec: 'other', metadata: { resourceVersion: '1002' } });
    expect(told.filter((line) => line.startsWith('+'))).toEqual(['+ab -', '+cb -a']);
    put(model, 'shop/d');
    await clock.advanceAsync(0);
    expect(told.at(-1)).toBe('+d -');
  });

  it('lists anew when watches that were cut too early to be silent have told nothing for 90 s', async () => {
    const model = new ApiModel();
    put(model, 'shop/a');
    const { clock, reflector } = begin(model);
    await clock.advanceAsync(0);
    model.restore(() => {});
    for (let cuts = 0; cuts < 4; cuts += 1) {
      await clock.advanceAsync(30_000);
      model.cut('end');
    }
    await clock.advanceAsync(100);
    expect(reflector.store.size).toBe(0);
  });

  it('lists anew when the API server tells of a past', async () => {
    const model = new ApiModel();
    put(model, 'shop/a');
    const { clock, reflector } = begin(model);
    await clock.advanceAsync(1000);
    model.restore(() => {});
    await clock.advanceAsync(100);
    model.bookmark();
    await clock.advanceAsync(100);
    expect(reflector.store.size).toBe(0);
    expect(reflector.problem).toBeUndefined();
  });

  it.each([
    ['lasted for more than a second', 1001],
    ['told of a change', 0],
  ])('comes back at once after a watch that %s, however often they are cut', async (_, lastsMs) => {
    const model = new ApiModel();
    const { clock, told } = begin(model);
    await clock.advanceAsync(2000);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      model.cut();
      // Half of 100 ms, since the dice of this test fall on zero.
      await clock.advanceAsync(50);
      await clock.advanceAsync(lastsMs);
      put(model, `shop/${name}`);
      await clock.advanceAsync(0);
      expect(told.at(-1)).toBe(`+${name} -`);
    }
    expect(asked(model).filter((line) => line.startsWith('LIST'))).toHaveLength(1);
  });

  it('waits twice as long for a list that came too late, up to a minute', async () => {
    const model = new ApiModel();
    put(model, 'shop/a');
    const at: number[] = [];
    const { clock, told } = begin(model);
    await clock.advanceAsync(20_000);
    model.raw(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`);
    put(model, 'shop/b');
    model.intercept = async ({ path, signal }) => {
      if (path.includes('watch')) return undefined;
      at.push(clock.now());
      await new Promise((resolve) => {
        clock.setTimer(55_000, () => resolve(undefined));
        signal.addEventListener('abort', resolve, { once: true });
      });
      if (signal.aborted) throw new Error('This operation was aborted');
      return undefined;
    };
    await clock.advanceAsync(150_000);
    expect(at).toEqual([20_050, 30_150, 50_350, 90_750]);
    expect(told).toEqual(['+a -', 'timeout', 'timeout', '+b -', 'well']);
  });

  it.each([
    ['an object without metadata', { kind: 'ServiceList', items: [{ spec: {} }] }],
    ['one that is null', { kind: 'ServiceList', items: [null] }],
    ['no list', { kind: 'Status', status: 'Success' }],
    ['nothing', null],
  ])('keeps what it knows when a list is %s, and says so', async (_, content) => {
    const model = new ApiModel();
    put(model, 'shop/a');
    const { clock, reflector, told } = begin(model);
    await clock.advanceAsync(20_000);
    model.intercept = ({ path }) => (path.includes('watch') ? undefined : answer(200, content as object));
    model.raw(`${JSON.stringify({ type: 'ERROR', object: { code: 410 } })}\n`);
    await clock.advanceAsync(20_000);
    expect(told).toEqual(['+a -', 'failed']);
    model.intercept = () => undefined;
    await clock.advanceAsync(30_000);
    expect(told).toEqual(['+a -', 'failed', 'well']);
    expect([...reflector.store.keys()]).toEqual(['shop/a']);
  });

  it('goes on after an object that the transform fails with', async () => {
    const model = new ApiModel();
    put(model, 'shop/a');
    const transform = (object: KubernetesObject) => {
      if (object.metadata.name === 'bad') throw new TypeError('cannot read it');
      return object;
    };
    const { clock, told } = begin(model, { transform });
    await clock.advanceAsync(1000);
    put(model, 'shop/bad');
    await clock.advanceAsync(0);
    expect(told).toEqual(['+a -', 'defect']);
    model.stored.delete(serviceList, 'shop/bad');
    put(model, 'shop/b');
    await clock.advanceAsync(60_000);
    expect(told).toEqual(['+a -', 'defect', '+b -', 'well']);
  });

  it('waits longer after each failure, to 30 s, and begins from the start after a good second', async () => {
    const model = new ApiModel();
    const { clock, told, reflector } = begin(model);
    await clock.advanceAsync(20_000);
    const at: number[] = [];
    model.intercept = () => {
      at.push(clock.now() - 20_000);
      throw new Error('connect ECONNREFUSED');
    };
    model.cut();
    await clock.advanceAsync(60_000);
    // Half of 100, 200, 400 ... 30,000 ms, since the dice of this test fall on zero.
    expect(at).toEqual([50, 150, 350, 750, 1550, 3150, 6350, 12_750, 25_550, 40_550, 55_550]);
    expect(told).toEqual(['unreachable', 'unreachable']);
    expect(reflector.problem?.message).toContain('cannot list services');
    model.intercept = () => undefined;
    await clock.advanceAsync(25_000);
    expect(told.at(-1)).toBe('well');
    const before = asked(model).length;
    model.cut();
    await clock.advanceAsync(50);
    expect(asked(model)).toHaveLength(before + 1);
  });

  it('does not spin when each watch ends at once', async () => {
    const model = new ApiModel();
    const { clock } = begin(model);
    const end = () => {
      model.cut('end');
      clock.setTimer(1, end);
    };
    end();
    await clock.advanceAsync(60_000);
    expect(asked(model).length).toBeLessThan(15);
  });

  it('waits as long as the API server asks for', async () => {
    const model = new ApiModel();
    model.intercept = ({ path }) => (path.includes('watch') ? failure(429, 'TooManyRequests', 'no', '20') : undefined);
    const { clock } = begin(model);
    await clock.advanceAsync(19_999);
    expect(asked(model)).toHaveLength(2);
    await clock.advanceAsync(1);
    expect(asked(model)).toHaveLength(3);
  });

  it('lists again where only the watch is forbidden, and names the rule', async () => {
    const model = new ApiModel();
    put(model, 'shop/a');
    model.intercept = ({ path }) => (path.includes('watch') ? failure(403, 'Forbidden', 'no') : undefined);
    const { clock, reflector, told } = begin(model, { namespaces: ['shop'] });
    await clock.advanceAsync(0);
    expect(reflector.problem).toEqual({
      kind: 'forbidden',
      message: 'not allowed to watch services in namespace shop',
      hint:
        'bind the service account to a Role in namespace shop with the rule ' +
        '{"apiGroups":[""],"resources":["services"],"verbs":["get","list","watch"]}',
    });
    put(model, 'shop/b');
    await clock.advanceAsync(100);
    expect(told).toEqual(['+a -', 'forbidden', '+b -']);
    model.intercept = () => undefined;
    await clock.advanceAsync(60_000);
    expect(reflector.problem).toBeUndefined();
  });

  it('waits for a CRD that is not there, and follows it when it comes', async () => {
    const model = new ApiModel();
    model.known.add(routeList);
    model.removeType(routeList);
    const { clock, reflector, told } = begin(model, { type: routes });
    const isSynced = synced(reflector);
    await clock.advanceAsync(0);
    expect(isSynced()).toBe(true);
    expect(reflector.states).toMatchObject([{ kind: 'waiting', next: { kind: 'absent' } }]);
    expect(reflector.problem).toBeUndefined();
    model.addType(routeList);
    put(model, 'shop/a', {}, routeList);
    await clock.advanceAsync(9000);
    expect(told).toEqual([]);
    reflector.hurry();
    await clock.advanceAsync(100);
    expect(told).toEqual(['+a -']);
  });

  it('lets the objects of a CRD go when the API server says twice that it is gone, and not in an outage', async () => {
    const model = new ApiModel();
    model.known.add(routeList);
    put(model, 'shop/a', {}, routeList);
    const { clock, reflector, told } = begin(model, { type: routes });
    await clock.advanceAsync(20_000);
    // An API server that has just begun, and one that is away.
    let early = 2;
    model.intercept = ({ path }) => {
      if (!path.includes('virtualservices')) return undefined;
      early -= 1;
      return early >= 0 ? { status: 404, retryAfter: undefined, body: notFoundPage() } : undefined;
    };
    model.cut('end');
    await clock.advanceAsync(5000);
    model.isDown = true;
    model.cut();
    await clock.advanceAsync(120_000);
    expect([...reflector.store.keys()]).toEqual(['shop/a']);
    model.isDown = false;
    model.intercept = () => undefined;
    await clock.advanceAsync(60_000);
    expect([...new Set(told)]).toEqual(['+a -', 'unreachable', 'well']);
    model.removeType(routeList);
    await clock.advanceAsync(1999);
    expect(reflector.store.size).toBe(1);
    await clock.advanceAsync(2000);
    expect(told.at(-1)).toBe('+ -a');
  });

  it('watches each namespace by itself, or all but some', async () => {
    const model = new ApiModel();
    for (const key of ['shop/a', 'bank/b', 'kube-system/c']) put(model, key);
    const some = begin(model, { namespaces: ['shop', 'bank'] });
    await some.clock.advanceAsync(0);
    expect([...some.reflector.store.keys()].sort()).toEqual(['bank/b', 'shop/a']);
    model.stored.delete(serviceList, 'bank/b');
    await some.clock.advanceAsync(0);
    expect([...some.reflector.store.keys()]).toEqual(['shop/a']);
    const others = begin(model, { excludedNamespaces: ['kube-system'], fieldSelector: 'spec.type!=ExternalName' });
    await others.clock.advanceAsync(0);
    expect([...others.reflector.store.keys()]).toEqual(['shop/a']);
    const { searchParams } = new URL(model.requests.at(-1)?.path ?? '', 'http://x');
    expect(searchParams.get('fieldSelector')).toBe('spec.type!=ExternalName,metadata.namespace!=kube-system');
  });

  it('is not synced before each of its namespaces is known', async () => {
    const model = new ApiModel();
    model.intercept = ({ path }) => (path.includes('/bank/') ? failure(403, 'Forbidden', 'no') : undefined);
    const { clock, reflector } = begin(model, { namespaces: ['shop', 'bank'] });
    const isSynced = synced(reflector);
    await clock.advanceAsync(1000);
    expect(isSynced()).toBe(false);
    model.intercept = () => undefined;
    await clock.advanceAsync(30_000);
    expect(isSynced()).toBe(true);
  });

  it('keeps what the transform leaves, and none that it does not want', async () => {
    const model = new ApiModel();
    put(model, 'shop/a', { spec: { ports: [1] }, status: { x: 1 }, metadata: { managedFields: [{}] } });
    put(model, 'shop/b', { spec: {}, metadata: { labels: { drop: 'yes' } } });
    const plain = begin(model);
    await plain.clock.advanceAsync(0);
    expect(plain.reflector.store.get('shop/a')?.metadata).not.toHaveProperty('managedFields');
    const { clock, reflector, told } = begin(model, {
      transform: (object) => {
        const { status: _, ...kept } = object as KubernetesObject & { status?: unknown };
        return object.metadata.labels?.drop === 'yes' ? undefined : kept;
      },
    });
    await clock.advanceAsync(0);
    expect([...reflector.store.keys()]).toEqual(['shop/a']);
    expect(reflector.store.get('shop/a')).not.toHaveProperty('status');
    put(model, 'shop/a', { metadata: { labels: { drop: 'yes' } } });
    await clock.advanceAsync(0);
    expect(told).toEqual(['+a -', '+ -a']);
    put(model, 'shop/a');
    await clock.advanceAsync(0);
    expect(told.at(-1)).toBe('+a -');
  });

  it('lists anew when the API server sends nonsense, and keeps what it knows', async () => {
    const model = new ApiModel();
    put(model, 'shop/a');
    const { clock, reflector, told } = begin(model);
    await clock.advanceAsync(20_000);
    for (const line of [
      'garbage\n',
      'null\n',
      '{"type":"ADDED"}\n',
      '{"type":"ADDED","object":{}}\n',
      '{"type":"WHAT","object":{}}\n',
    ]) {
      model.raw(line);
      await clock.advanceAsync(20_000);
    }
    expect(told.filter((line) => line.startsWith('+'))).toEqual(['+a -']);
    expect(reflector.problem).toBeUndefined();
    expect(asked(model).filter((line) => line.startsWith('LIST'))).toHaveLength(6);
  });

  it('tells nothing after it was closed', async () => {
    const model = new ApiModel();
    const { clock, reflector, told } = begin(model);
    await clock.advanceAsync(0);
    put(model, 'shop/a');
    await reflector.close();
    put(model, 'shop/b');
    await clock.advanceAsync(100_000);
    expect(told).toEqual([]);
    expect(model.openWatches).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    expect(reflector.states).toEqual([{ kind: 'closed' }]);
  });
});

async function* notFoundPage(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode('404 page not found\n');
}

it('tells its newest change, and up to where it knows of all, by lists, events, deletions and bookmarks', async () => {
  const model = new ApiModel();
  put(model, 'shop/a');
  put(model, 'other/x', {}, '/api/v1/pods');
  const { clock, reflector } = begin(model);
  await clock.advanceAsync(0);
  const start = model.stored.revision;
  expect(reflector.position).toEqual({ changed: start - 1, reached: start });
  put(model, 'shop/b');
  model.stored.delete(serviceList, 'shop/b');
  await clock.advanceAsync(0);
  expect(reflector.position).toEqual({ changed: start + 2, reached: start + 2 });
  put(model, 'other/y', {}, '/api/v1/pods');
  model.bookmark();
  await clock.advanceAsync(0);
  expect(reflector.position).toEqual({ changed: start + 2, reached: start + 3 });
});
