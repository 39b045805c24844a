import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeConnections } from '../../test/fake-connection.js';
import { assignmentMessage, clusterMessage, listenerMessage, routeMessage } from '../../test/fixtures.js';
import { rawAny } from '../../test/responses.js';
import { startedClient } from '../../test/started-client.js';
import { resourceTypes } from '../resources/resource-types.js';
import { defaultServerFeatures, insecureServer, type XdsServerFeatures } from './server-config.js';

let clock: FakeClock;
let connections: FakeConnections;
let published: MeshResources[];

beforeEach(() => {
  clock = new FakeClock();
  connections = new FakeConnections();
  published = [];
});

function start(features: Partial<XdsServerFeatures> = {}) {
  const server = { ...insecureServer('server:1'), features: { ...defaultServerFeatures, ...features } };
  startedClient(clock, connections, published, server);
  return connections.current;
}

/** A service `a` behind the listener `l` and the routes `r`. */
function startWithA(features: Partial<XdsServerFeatures> = {}) {
  const current = start(features);
  current.respond('cluster', [clusterMessage('a')]);
  current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
  current.respond('listener', [listenerMessage('l', 'r')]);
  current.respond('route', [routeMessage('r', 'a')]);
  clock.advance(0);
  return current;
}

const last = () => published.at(-1)!;
const broken = clusterMessage('a', { connectTimeout: {} });
const reason = 'connect_timeout: must be more than zero';

describe('a new version that cannot be used', () => {
  it('leaves the last good one in use, and is told beside it', () => {
    const current = startWithA();
    const before = last().clusters.get('a');
    current.respond('cluster', [broken]);
    clock.advance(0);
    expect(last().clusters.get('a')).toBe(before);
    expect(last().problems).toEqual([{ kind: 'cluster', name: 'a', reason, servesLastGood: true }]);
  });

  it('drops the last good one of a server with fail_on_data_errors', () => {
    const current = startWithA({ failOnDataErrors: true });
    current.respond('cluster', [broken]);
    clock.advance(0);
    expect(last().clusters.has('a')).toBe(false);
    expect(last().problems).toEqual([{ kind: 'cluster', name: 'a', reason, servesLastGood: false }]);
  });

  it('is forgotten when a good one comes, the same as before too', () => {
    const current = startWithA();
    current.respond('cluster', [broken]);
    clock.advance(0);
    current.respond('cluster', [clusterMessage('a')]);
    clock.advance(0);
    expect(last().problems).toEqual([]);
  });

  it('publishes nothing new when it is sent once more', () => {
    const current = startWithA();
    current.respond('cluster', [broken]);
    clock.advance(0);
    const publications = published.length;
    current.respond('cluster', [broken]);
    clock.advance(0);
    expect(published).toHaveLength(publications);
  });

  it('tells no more of itself than fits into a few lines', () => {
    const current = startWithA();
    const routes = routeMessage('r', 'a');
    routes.virtualHosts[0]!.domains = Array.from({ length: 10_000 }, () => '');
    current.respond('route', [routes]);
    clock.advance(0);
    expect(last().problems?.[0]?.reason.length).toBeLessThan(600);
  });
});

describe('a listener of which no version can be used', () => {
  const badListener = listenerMessage('shop:80', 'r', { httpFilters: [] });

  it('takes the calls to its host, so that none goes past the mesh', () => {
    const current = startWithA();
    current.respond('listener', [listenerMessage('l', 'r'), badListener]);
    clock.advance(0);
    expect(last().listeners.get('shop:80')?.routes).toMatchObject({ virtualHosts: [] });
    expect(last().problems).toMatchObject([{ kind: 'listener', name: 'shop:80', servesLastGood: false }]);
  });

  it('is the same object as long as it stays so', () => {
    const current = startWithA();
    current.respond('listener', [listenerMessage('l', 'r'), badListener]);
    clock.advance(0);
    const before = last().listeners.get('shop:80');
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.2')]);
    clock.advance(0);
    expect(last().listeners.get('shop:80')).toBe(before);
  });

  it('is gone when the server no longer has it', () => {
    const current = startWithA();
    current.respond('listener', [listenerMessage('l', 'r'), badListener]);
    clock.advance(0);
    current.respond('listener', [listenerMessage('l', 'r')]);
    clock.advance(0);
    expect([...last().listeners.keys()]).toEqual(['l']);
    expect(last().problems).toEqual([]);
  });
});

describe('a resource that the server no longer has', () => {
  it('stays in use at a server with ignore_resource_deletion, and that is told', () => {
    const current = startWithA({ ignoreResourceDeletion: true });
    current.respond('listener', []);
    current.respond('cluster', []);
    clock.advance(0);
    expect([...last().listeners.keys(), ...last().clusters.keys()]).toEqual(['l', 'a']);
    const gone = { reason: 'the server no longer has it', servesLastGood: true };
    expect(last().problems).toEqual([
      { kind: 'cluster', name: 'a', ...gone },
      { kind: 'listener', name: 'l', ...gone },
    ]);
  });

  it.each([false, true])('is in order again when it is back, identical; ignore_resource_deletion: %s', (ignores) => {
    const current = startWithA({ ignoreResourceDeletion: ignores });
    const before = last();
    current.respond('listener', []);
    current.respond('cluster', []);
    clock.advance(0);
    current.respond('cluster', [clusterMessage('a')]);
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
    current.respond('listener', [listenerMessage('l', 'r')]);
    current.respond('route', [routeMessage('r', 'a')]);
    clock.advance(0);
    expect(last().listeners).toEqual(before.listeners);
    expect(last().assignments).toEqual(before.assignments);
    expect(last().problems).toEqual([]);
  });
});

describe('a resource that is gone with all that referred to it', () => {
  it('is no problem', () => {
    const current = startWithA();
    current.respond('cluster', [clusterMessage('b')]);
    current.respond('endpoint', [assignmentMessage('b', '10.0.0.2')]);
    current.respond('listener', [listenerMessage('l', 's')]);
    clock.advance(15_000);
    expect(last().problems).toMatchObject([{ kind: 'route', name: 's' }]);
    current.respond('route', [routeMessage('s', 'b')]);
    clock.advance(0);
    expect(last().problems).toEqual([]);
    expect([...last().clusters.keys()]).toEqual(['b']);
  });
});

describe('a resource that does not come', () => {
  function referToMissing(features: Partial<XdsServerFeatures> = {}) {
    const current = start(features);
    current.respond('cluster', [clusterMessage('a')]);
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
    current.respond('listener', [listenerMessage('l', 'r')]);
    return current;
  }

  it('counts as not existing after 15 s, and what it was is told', () => {
    referToMissing();
    clock.advance(14_999);
    expect(published).toEqual([]);
    clock.advance(1);
    expect(last().problems).toEqual([
      {
        kind: 'route',
        name: 'r',
        reason: 'the config server has not sent it within 15 s, so it does not exist',
        servesLastGood: false,
      },
    ]);
  });

  it('has 30 s at a server with resource_timer_is_transient_error', () => {
    referToMissing({ resourceTimerIsTransientError: true });
    clock.advance(29_999);
    expect(published).toEqual([]);
    clock.advance(1);
    expect(last().problems).toMatchObject([{ reason: 'the config server has not sent it within 30 s' }]);
  });

  it('is used when it comes after all', () => {
    const current = referToMissing();
    clock.advance(15_000);
    current.respond('route', [routeMessage('r', 'a')]);
    clock.advance(0);
    expect(last().routes.has('r')).toBe(true);
    expect(last().problems).toEqual([]);
  });
});

describe('a resource too broken to be read', () => {
  const bytes = resourceTypes.cluster.write(clusterMessage('b', { altStatName: 'x' }));

  it('is refused under the name that it begins with', () => {
    const current = startWithA();
    current.respond('cluster', [clusterMessage('a')], { raw: [rawAny('cluster', bytes.subarray(0, -1))] });
    clock.advance(0);
    expect(current.last('cluster')?.errorDetail?.message).toMatch(/^Cluster "b": malformed protobuf: /);
    expect(last().problems).toMatchObject([{ kind: 'cluster', name: 'b', servesLastGood: false }]);
  });

  it('is told of without one where not even that can be read, until the next response', () => {
    const current = startWithA();
    current.respond('cluster', [clusterMessage('a')], { raw: [rawAny('cluster', bytes.subarray(0, 2))] });
    clock.advance(0);
    expect(last().problems).toMatchObject([{ kind: 'cluster', name: '' }]);
    current.respond('cluster', [clusterMessage('a')]);
    clock.advance(0);
    expect(last().problems).toEqual([]);
  });
});
