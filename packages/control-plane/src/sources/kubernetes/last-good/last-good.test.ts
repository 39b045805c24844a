import { gzipSync } from 'node:zlib';
import { ConfigSet, type SourceFile } from '@inmesh/config';
import { FakeClock } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiModel, failure } from '../../../../test/support/kubernetes/api-model.js';
import { KubernetesClient } from '../../../kubernetes/client/client.js';
import { fileOf } from '../cluster-files.js';
import type { ClusterObject } from '../cluster-object.js';
import { KeptLastGood, type LastGoodMap } from './kept-last-good.js';
import { LastGoodKeeper } from './last-good-keeper.js';

const name = { namespace: 'mesh', name: 'inmesh-last-good' };
const collection = '/api/v1/configmaps';
const key = 'mesh/inmesh-last-good';
const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const service: SourceFile = {
  path: 'Service/shop/reviews',
  text: 'reviews',
  object: {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'reviews', namespace: 'shop' } },
    spec: { ports: [{ name: 'http', port: 80 }] },
  },
};

function rule(attempts: unknown, { uid = 'uid-1', named = 'reviews', note = '' } = {}): SourceFile {
  const route = [{ destination: { host: 'reviews' } }];
  const spec = { hosts: ['reviews'], http: [{ route, retries: { attempts }, ...(note && { name: note }) }] };
  const metadata = { name: named, namespace: 'shop', uid };
  return fileOf({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata, spec } as ClusterObject);
}

function cluster() {
  const model = new ApiModel();
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = (line: string, fields?: object) => lines.push(`${line}${fields ? ` ${JSON.stringify(fields)}` : ''}`);
  const logger = { info: log, warn: log, error: log };
  const tools = { client: new KubernetesClient({ transport: model, clock, random: () => 0 }), clock, logger, name };
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  /** A config server, as far as this is about it. */
  const begin = async () => {
    let files: readonly SourceFile[] | undefined;
    const set = new ConfigSet();
    const publish = () => {
      if (files === undefined) return;
      const attached = kept.attachTo(files);
      const state = set.update(attached);
      keeper.judge(state, attached);
      used = state.lastGood;
    };
    let used: readonly SourceFile[] = [];
    const kept = new KeptLastGood({ ...tools, random: () => 0, onChange: () => publish() });
    const keeper = new LastGoodKeeper({ ...tools, kept });
    open.push({ close: () => keeper.stop() }, kept);
    await kept.firstLook;
    const see = async (...now: SourceFile[]) => {
      files = [service, ...now];
      publish();
      await settle();
      clock.advance(100);
      await settle();
    };
    return { see, keeper, kept, inUse: () => used.map(({ text }) => text) };
  };
  const stored = () => model.stored.get(collection, key) as LastGoodMap | undefined;
  const keys = () => Object.keys(stored()?.binaryData ?? {});
  const writes = () => model.requests.filter(({ method }) => method !== 'GET').length;
  return { model, clock, lines, begin, stored, keys, settle, writes };
}

const good = rule(2);
const broken = rule('two');

describe('The last good content of a broken object', () => {
  it('is the same for a config server that begins later, and is gone once the object is mended', async () => {
    const { begin, keys, writes } = cluster();
    const first = await begin();
    first.keeper.start();
    await first.see(good);
    expect([keys(), writes()]).toEqual([[], 0]);
    await first.see(broken);
    expect([keys(), writes()]).toEqual([['uid-1'], 1]);
    const second = await begin();
    await second.see(broken);
    expect(second.inUse()).toEqual([good.text]);
    expect(first.inUse()).toEqual([good.text]);
    await first.see(broken);
    expect(writes()).toBe(1);
    for (const one of [first, second]) await one.see(rule(3));
    expect([first.inUse(), second.inUse(), keys(), writes()]).toEqual([[], [], [], 2]);
  });

  it('lasts over the end of all config servers, and over another mistake meanwhile', async () => {
    const { begin, keys } = cluster();
    const before = await begin();
    before.keeper.start();
    await before.see(good);
    await before.see(broken);
    await before.keeper.stop();
    const after = await begin();
    after.keeper.start();
    await after.see(rule('three'));
    expect([after.inUse(), keys()]).toEqual([[good.text], ['uid-1']]);
    await after.see();
    expect(keys()).toEqual([]);
  });

  it('is what the elected one has seen, for who has seen more, too', async () => {
    const { begin, settle } = cluster();
    const [elected, other] = [await begin(), await begin()];
    elected.keeper.start();
    for (const one of [elected, other]) await one.see(good);
    await other.see(rule(7));
    await other.see(broken);
    expect(other.inUse()).toEqual([rule(7).text]);
    await elected.see(broken);
    await settle();
    expect([elected.inUse(), other.inUse()]).toEqual([[good.text], [good.text]]);
    // Whoever is elected next goes by what is there.
    await elected.keeper.stop();
    other.keeper.start();
    await other.see(broken);
    expect(elected.inUse()).toEqual([good.text]);
  });

  it('is not that of another object of its name', async () => {
    const { begin, keys } = cluster();
    const one = await begin();
    one.keeper.start();
    await one.see(good);
    await one.see(broken);
    await one.see(rule('two', { uid: 'uid-2' }));
    expect([one.inUse(), keys()]).toEqual([[], []]);
  });

  it('stays while it cannot be used either, and is used again', async () => {
    const { begin, keys } = cluster();
    const one = await begin();
    one.keeper.start();
    const rest = fileOf({
      ...{ apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule' },
      metadata: { name: 'reviews', namespace: 'shop', uid: 'uid-9' },
      spec: { host: 'reviews', subsets: [{ name: 'v1', labels: { v: '1' } }] },
    } as ClusterObject);
    const spec = (subset: string) => ({
      hosts: ['reviews'],
      http: [{ route: [{ destination: { host: 'reviews', subset } }] }],
    });
    const metadata = { name: 'reviews', namespace: 'shop', uid: 'uid-1' };
    const of = (subset: string) =>
      fileOf({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata, spec: spec(subset) } as never);
    await one.see(rest, of('v1'));
    await one.see(rest, of('v3'));
    expect([one.inUse(), keys()]).toEqual([[of('v1').text], ['uid-1']]);
    await one.see(of('v3'));
    expect([one.inUse(), keys()]).toEqual([[], ['uid-1']]);
    await one.see(rest, of('v3'));
    expect([one.inUse(), keys()]).toEqual([[of('v1').text], ['uid-1']]);
  });

  it('is of kinds that people write for the mesh, and never a Secret', async () => {
    const { begin, writes } = cluster();
    const one = await begin();
    one.keeper.start();
    const secret = (data: unknown) =>
      fileOf({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'shop', uid: 'uid-3' }, data });
    const plain = (ports: unknown) =>
      fileOf({
        ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'b', namespace: 'shop', uid: 'uid-4' } },
        spec: { ports },
      } as ClusterObject);
    await one.see(secret({}), plain([{ port: 80 }]));
    await one.see(secret(5), plain('none'));
    expect(one.inUse()).not.toEqual([]);
    expect(writes()).toBe(0);
  });

  it('that has no room is left out, and said', async () => {
    const { begin, keys, lines } = cluster();
    const one = await begin();
    one.keeper.start();
    // Digits that hardly compress: 900 kB of the others leave no room for the second.
    let state = 1;
    const digit = () => {
      state = (state * 48_271) % 2_147_483_647;
      return String.fromCharCode(33 + (state % 90));
    };
    const long = (length: number) => Array.from({ length }, digit).join('').replaceAll('"', 'x');
    const named = { uid: 'uid-2', named: 'second' };
    const [first, second] = [rule(2, { note: long(600_000) }), rule(2, { ...named, note: long(600_000) })];
    await one.see(first, second);
    await one.see(broken, rule('two', named));
    await one.see(broken, rule('two', named));
    expect(keys()).toEqual(['uid-1']);
    expect(lines).toEqual([
      'the last good content of broken objects is not kept in the ConfigMap mesh/inmesh-last-good for config servers that ' +
        'begin: there is no room for that of VirtualService/shop/second',
    ]);
  });
});

describe('The ConfigMap of last good contents', () => {
  it.each([
    ['bytes', 'AAAA'],
    ['text that is no JSON', gzipSync('{').toString('base64')],
    ['nothing', gzipSync('null').toString('base64')],
    ['a Secret', packed({ ...good.object, kind: 'Secret', apiVersion: 'v1' })],
    ['another object', packed({ ...good.object, metadata: { name: 'reviews', namespace: 'shop', uid: 'uid-5' } })],
    ['metadata of junk', packed({ ...good.object, metadata: 5 })],
    ['notes of junk', packed({ ...good.object, metadata: { ...metadataOf(good), annotations: { a: 5 } } })],
    ['10 MB', gzipSync(JSON.stringify({ brokenText: '', object: 'x'.repeat(10_000_000) })).toString('base64')],
  ])('may hold %s: it is not used, and said', async (_name, value) => {
    const { model, begin, lines, keys } = cluster();
    model.stored.set(collection, key, { metadata: name, binaryData: { 'uid-1': value } } as LastGoodMap);
    const one = await begin();
    one.keeper.start();
    await one.see(broken);
    expect(one.inUse()).toEqual([]);
    expect(lines).toEqual(['the ConfigMap mesh/inmesh-last-good holds what cannot be used {"keys":["uid-1"]}']);
    expect(keys()).toEqual([]);
  });

  it('may hold what is broken itself, or of another path: neither is used', async () => {
    for (const object of [rule('four').object, rule(2, { named: 'other' }).object]) {
      const { model, begin } = cluster();
      model.stored.set(collection, key, { metadata: name, binaryData: { 'uid-1': packed(object) } } as LastGoodMap);
      const one = await begin();
      await one.see(broken);
      expect(one.inUse()).toEqual([]);
    }
  });

  it('is waited for 10 s when there is no answer, and that is said; what comes later is used', async () => {
    const { model, clock, begin, lines, settle } = cluster();
    model.stored.set(collection, key, { metadata: name, binaryData: { 'uid-1': packed(good.object) } } as LastGoodMap);
    model.intercept = async ({ signal }) =>
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    let isBegun = false;
    const beginning = begin().finally(() => {
      isBegun = true;
    });
    clock.advance(9999);
    await settle();
    expect(isBegun).toBe(false);
    clock.advance(1);
    const one = await beginning;
    expect(lines).toEqual([
      'the ConfigMap mesh/inmesh-last-good, with the last good content of broken objects, is not known: there was no answer in 10 s',
    ]);
    await one.see(broken);
    expect(one.inUse()).toEqual([]);
    model.intercept = () => undefined;
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1000);
      await settle();
    }
    expect(one.inUse()).toEqual([good.text]);
  });

  it('that may not be read holds nobody up, nor is it written: that is said once', async () => {
    const { model, begin, lines, clock, settle, writes } = cluster();
    model.intercept = ({ method }) => (method === 'GET' ? failure(403, 'Forbidden', 'no') : undefined);
    const one = await begin();
    one.keeper.start();
    await one.see(good);
    await one.see(broken);
    expect([one.inUse(), writes()]).toEqual([[good.text], 0]);
    clock.advance(60_000);
    await settle();
    expect(lines).toEqual([
      'the ConfigMap mesh/inmesh-last-good, with the last good content of broken objects, is not known: not allowed to list ' +
        'configmaps in namespace mesh: bind the service account to a Role in namespace mesh with the rule ' +
        '{"apiGroups":[""],"resources":["configmaps"],"verbs":["get","list","watch"]}',
    ]);
  });

  it('that cannot be written is said once, and written again when somebody was quicker or has removed it', async () => {
    const { model, begin, lines, clock, settle, keys } = cluster();
    const one = await begin();
    one.keeper.start();
    await one.see(good);
    let answers = [failure(403, 'Forbidden', 'no'), failure(403, 'Forbidden', 'no'), failure(409, 'Conflict', 'no')];
    model.intercept = ({ method }) => (method === 'GET' ? undefined : answers.shift());
    for (let round = 0; round < 3; round += 1) await one.see(broken);
    expect([lines.length, lines[0]?.includes('"resources":["configmaps"],"verbs":["create"]}')]).toEqual([1, true]);
    clock.advance(1000);
    await settle();
    expect(keys()).toEqual(['uid-1']);
    answers = [];
    model.stored.delete(collection, key);
    await settle();
    clock.advance(1000);
    await settle();
    expect(keys()).toEqual(['uid-1']);
  });
});

function packed(object: unknown): string {
  return gzipSync(JSON.stringify({ brokenText: broken.text, object })).toString('base64');
}

function metadataOf({ object }: SourceFile): object {
  return (object as ClusterObject | undefined)?.metadata ?? {};
}
