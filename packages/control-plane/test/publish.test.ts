import { create } from '@bufbuild/protobuf';
import type { ConfigSet, ConfigUpdate } from '@inmesh/config';
import type { ResourceSet } from '@inmesh/xds';
import { Cluster_DiscoveryType, ClusterSchema } from '@inmesh/xds/messages';
import { SnapshotCache } from '@inmesh/xds/server';
import { describe, expect, it } from 'vitest';
import type { ConfigState } from '../src/config-state.js';
import { ConfigPublisher } from '../src/publish.js';

function setOf(key: string, connectTimeoutS: number, name = key): ResourceSet {
  const cluster = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: { configSourceSpecifier: { case: 'ads', value: {} } } },
    connectTimeout: { seconds: BigInt(connectTimeoutS), nanos: 0 },
  });
  const none = new Map();
  return { clusters: new Map([[key, cluster]]), listeners: none, routes: none, assignments: none };
}

const nothingAsked = { namespace: false, labels: new Set<string>(), locality: false, nodeName: false };

/** A publisher over translations instead of files. */
function publisherOf(...translations: ResourceSet[]) {
  const updates = translations.map((resources): ConfigUpdate => {
    return {
      config: { resources, issues: [], objects: 1, selecting: [], client: nothingAsked },
      issues: [],
      refused: [],
      lastGood: [],
    };
  });
  const translator = () => () => {
    throw new Error('there is one client');
  };
  const files: Pick<ConfigSet, 'update' | 'translator'> = { update: () => updates.shift()!, translator };
  const cache = new SnapshotCache();
  const states: ConfigState[] = [];
  const publisher = new ConfigPublisher({ files, cache, onState: (state) => states.push(state), now: () => 42 });
  const timeouts = () =>
    [...(states.at(-1)?.served?.set.clusters.values() ?? [])].map((c) => c.connectTimeout?.seconds);
  return { publisher, cache, states, timeouts };
}

describe('The publisher', () => {
  it('does not publish what a client would refuse, and keeps what was published before', () => {
    const { publisher, cache, states, timeouts } = publisherOf(setOf('a', 1), setOf('a', -1), setOf('a', 2));
    publisher.setFiles([]);
    const { current } = cache;
    publisher.setFiles([]);
    expect(states.at(-1)?.inconsistencies).toEqual([expect.stringMatching(/^Cluster "a": connect_timeout: /)]);
    expect(cache.current).toBe(current);
    expect(timeouts()).toEqual([1n]);
    publisher.setFiles([]);
    expect(states.at(-1)?.inconsistencies).toEqual([]);
    expect(timeouts()).toEqual([2n]);
  });

  it('does not publish a resource under another name than its own', () => {
    const { publisher, cache, states } = publisherOf(setOf('a', 1, 'b'));
    publisher.setFiles([]);
    expect(cache.current).toBeUndefined();
    expect(states.at(-1)?.inconsistencies).toEqual(['the cluster under the key "a" is called "b"']);
  });

  it('keeps what is published when the files cannot be read', () => {
    const { publisher, timeouts, states } = publisherOf(setOf('a', 1));
    publisher.setFiles([]);
    publisher.setSourceErrors(['EACCES']);
    expect(timeouts()).toEqual([1n]);
    expect(states.at(-1)).toMatchObject({ sourceErrors: ['EACCES'], served: { acceptedAtMs: 42 } });
  });
});
