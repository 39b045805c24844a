import { describe, expect, it } from 'vitest';
import { listenerMessage, serviceSet } from '../../test/fixtures.js';
import { DeltaStream, WorldStream } from '../../test/in-process-stream.js';
import type { DiscoveryResponse, Listener } from '../messages.js';
import { decodeAny } from '../resources/decode-any.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { OnDemand } from './on-demand.js';
import { SnapshotCache } from './snapshot-cache.js';

let made: string[] = [];

function make(name: string): Listener | undefined {
  made.push(name);
  return name.startsWith('server/') ? listenerMessage(name, 'a') : undefined;
}

function setOf(address: string, listenerOnDemand: ResourceSet['listenerOnDemand'] = make): ResourceSet {
  return { ...serviceSet({ a: [address], b: [address] }), listenerOnDemand };
}

function cacheOf(set: ResourceSet): SnapshotCache {
  made = [];
  const cache = new SnapshotCache();
  cache.setSnapshot(set);
  return cache;
}

function namesOf(responses: readonly DiscoveryResponse[]): string[][] {
  return responses.map(({ typeUrl, resources }) => resources.map(({ value }) => decodeAny(typeUrl, value).name).sort());
}

describe('A listener that is made on demand', () => {
  it('is given to whoever names it, in both variants', () => {
    const cache = cacheOf(setOf('10.0.0.1'));
    const delta = new DeltaStream(cache);
    delta.subscribe('listener', 'server/1', 'none');
    expect(delta.news()).toEqual([
      { kind: 'listener', names: ['server/1'], removed: [] },
      { kind: 'listener', names: [], removed: ['none'] },
    ]);
    const world = new WorldStream(cache);
    world.request('listener', ['server/1', 'none', 'a']);
    expect(namesOf(world.take())).toEqual([['a', 'server/1']]);
    expect(made.filter((name) => name === 'server/1')).toHaveLength(1);
  });

  it('is in no state that is asked for as a whole, but beside it where it is named too', () => {
    const cache = cacheOf(setOf('10.0.0.1'));
    const world = new WorldStream(cache);
    world.request('listener');
    expect(namesOf(world.take())).toEqual([['a', 'b']]);
    const both = new WorldStream(cache);
    both.request('listener', ['*', 'server/1', 'a']);
    expect(namesOf(both.take())).toEqual([['a', 'b', 'server/1']]);
  });

  it('stays when others change, and is not sent again as a change', () => {
    const cache = cacheOf(setOf('10.0.0.1'));
    const [world, delta] = [new WorldStream(cache), new DeltaStream(cache)];
    world.request('listener', ['server/1', 'c']);
    delta.subscribe('listener', 'server/1', 'c');
    world.take();
    delta.news();
    cache.setSnapshot({ ...serviceSet({ a: ['10.0.0.1'], c: ['10.0.0.1'] }), listenerOnDemand: make });
    expect(namesOf(world.take())).toEqual([['c', 'server/1']]);
    expect(delta.news()).toEqual([{ kind: 'listener', names: ['c'], removed: [] }]);
    cache.setSnapshot(setOf('10.0.0.2'));
    expect(namesOf(world.take())).toEqual([['server/1']]);
    expect(delta.news()).toEqual([{ kind: 'listener', names: [], removed: ['c'] }]);
  });

  it('comes and goes with who makes it', () => {
    const without = serviceSet({ a: ['10.0.0.1'], b: ['10.0.0.1'] });
    const cache = cacheOf(without);
    const [world, delta, all] = [new WorldStream(cache), new DeltaStream(cache), new DeltaStream(cache)];
    world.request('listener', ['server/1']);
    delta.subscribe('listener', 'server/1');
    all.subscribe('listener', '*', 'server/1');
    for (const stream of [world, delta, all]) stream.take();
    for (let times = 0; times < 2; times += 1) {
      cache.setSnapshot(setOf('10.0.0.1'));
      expect(namesOf(world.take())).toEqual([['server/1']]);
      for (const stream of [delta, all]) {
        expect(stream.news()).toEqual([{ kind: 'listener', names: ['server/1'], removed: [] }]);
      }
      cache.setSnapshot(without);
      expect(namesOf(world.take())).toEqual([[]]);
      for (const stream of [delta, all]) {
        expect(stream.news()).toEqual([{ kind: 'listener', names: [], removed: ['server/1'] }]);
      }
    }
  });

  it('is sent again only when who makes it makes another', () => {
    const cache = cacheOf(setOf('10.0.0.1'));
    const client = new DeltaStream(cache);
    client.subscribe('listener', 'server/1');
    client.news();
    cache.setSnapshot(setOf('10.0.0.1', (name) => listenerMessage(name, 'a')));
    expect(client.news()).toEqual([]);
    cache.setSnapshot(setOf('10.0.0.1', (name) => listenerMessage(name, 'b')));
    expect(client.news()).toEqual([{ kind: 'listener', names: ['server/1'], removed: [] }]);
  });

  it('is shown as what the client has', () => {
    const client = new DeltaStream(cacheOf(setOf('10.0.0.1')));
    client.subscribe('listener', 'server/1');
    expect(client.stream.resources()).toMatchObject([{ name: 'server/1', state: 'none', any: {} }]);
  });

  it('is kept as long as not too many others are named', () => {
    let count = 0;
    const onDemand = new OnDemand(() => {
      count += 1;
      return undefined;
    });
    for (let times = 0; times < 3; times += 1) {
      for (let name = 0; name < 1000; name += 1) onDemand.get(String(name));
    }
    expect(count).toBe(1000);
    onDemand.get('one more');
    onDemand.get('999');
    expect(count).toBe(1001);
    onDemand.get('0');
    expect(count).toBe(1002);
  });
});
