import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { secretMessage, serviceSet, trustMessage } from '../../test/fixtures.js';
import { DeltaStream, WorldStream } from '../../test/in-process-stream.js';
import { SecretSchema } from '../messages.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { OwnSecrets, type SecretSource } from './own-secrets.js';
import { SnapshotCache } from './snapshot-cache.js';

const trust = trustMessage('ROOTCA');

function cacheOf(...names: string[]): SnapshotCache {
  const cache = new SnapshotCache();
  cache.setSnapshot(withSecrets(...names));
  return cache;
}

function withSecrets(...names: string[]): ResourceSet {
  return {
    ...serviceSet({ a: ['10.0.0.1'] }),
    secrets: new Map(names.map((name) => [name, secretMessage(name, name)])),
  };
}

/** Gives `default` when it is told to. */
class Maker implements SecretSource {
  now: OwnSecrets | undefined;
  wanted: boolean[] = [];
  closed = 0;

  give(key?: string): void {
    this.now = new OwnSecrets(key === undefined ? [trust] : [secretMessage('default', key), trust]);
  }

  open(): ReturnType<SecretSource['open']> {
    return {
      look: (wants) => {
        this.wanted.push(wants('default'));
        return this.now;
      },
      close: () => {
        this.closed += 1;
      },
    };
  }
}

describe('Secrets that are made for one stream', () => {
  it('come by name beside those of the snapshot, and again when they change', () => {
    const own = new Maker();
    own.give('one');
    const [world, delta] = [WorldStream, DeltaStream].map((Of) => new Of(cacheOf('cert'), { ownSecrets: own })) as [
      WorldStream,
      DeltaStream,
    ];
    const names = ['default', 'ROOTCA', 'cert'];
    world.request('secret', names);
    delta.subscribe('secret', ...names);
    const worldNames = () =>
      world.take().map(({ resources }) => resources.map((any) => anyUnpack(any, SecretSchema)?.name).sort());
    expect(worldNames()).toEqual([['ROOTCA', 'cert', 'default']]);
    expect(delta.news()).toEqual([{ kind: 'secret', names: ['ROOTCA', 'cert', 'default'], removed: [] }]);
    own.give('two');
    for (const { stream } of [world, delta]) stream.send();
    expect(worldNames()).toEqual([['default']]);
    expect(delta.news()).toEqual([{ kind: 'secret', names: ['default'], removed: [] }]);
    expect(own.wanted).not.toContain(false);
  });

  it('hold the others back while they are made, so that none is taken for absent', () => {
    const own = new Maker();
    const delta = new DeltaStream(cacheOf('cert'), { ownSecrets: own });
    delta.subscribe('cluster', 'a');
    delta.subscribe('secret', 'default', 'cert');
    expect(delta.news()).toEqual([{ kind: 'cluster', names: ['a'], removed: [] }]);
    expect(delta.stream.resources().map(({ name }) => name)).toEqual(['a']);
    own.give('one');
    delta.stream.send();
    expect(delta.news()).toEqual([{ kind: 'secret', names: ['cert', 'default'], removed: [] }]);
  });

  it('are told to be absent when they cannot be made, and come when they can', () => {
    const own = new Maker();
    own.give();
    const delta = new DeltaStream(cacheOf(), { ownSecrets: own });
    delta.subscribe('secret', 'default', 'ROOTCA');
    expect(delta.news()).toEqual([
      { kind: 'secret', names: ['ROOTCA'], removed: [] },
      { kind: 'secret', names: [], removed: ['default'] },
    ]);
    own.give('one');
    delta.stream.send();
    expect(delta.news()).toEqual([{ kind: 'secret', names: ['default'], removed: [] }]);
  });

  it('stay what they are when the snapshot changes', () => {
    const own = new Maker();
    own.give('one');
    const cache = cacheOf('cert');
    const delta = new DeltaStream(cache, { ownSecrets: own });
    delta.subscribe('secret', 'default', 'cert', 'other');
    delta.news();
    cache.setSnapshot(withSecrets('cert', 'other'));
    expect(delta.news()).toEqual([{ kind: 'secret', names: ['other'], removed: [] }]);
  });

  it('are let go with the stream, and with the subscription', () => {
    const own = new Maker();
    own.give('one');
    const delta = new DeltaStream(cacheOf(), { ownSecrets: own });
    delta.subscribe('secret', 'default');
    delta.unsubscribe('secret', 'default');
    expect(own.wanted.at(-1)).toBe(false);
    delta.stream.release();
    expect(own.closed).toBe(1);
  });
});
