import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type FakeConnection, FakeConnections } from '../../test/fake-connection.js';
import { assignmentMessage, clusterMessage, listenerMessage, routeMessage } from '../../test/fixtures.js';
import { startedClient } from '../../test/started-client.js';

let clock: FakeClock;
let connections: FakeConnections;
let published: MeshResources[];

beforeEach(() => {
  clock = new FakeClock();
  connections = new FakeConnections();
  published = [];
  startedClient(clock, connections, published);
});

const settle = () => clock.advance(0);

/** Delivers a service `a` behind the listener `l` and the routes `r`. */
function deliverA(): FakeConnection {
  const { current } = connections;
  current.respond('cluster', [clusterMessage('a')]);
  current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
  current.respond('listener', [listenerMessage('l', 'r')]);
  current.respond('route', [routeMessage('r', 'a')]);
  settle();
  return current;
}

/** The clusters that the routes `r` go to, and the addresses behind them. */
function view(resources = published.at(-1)): Record<string, string[] | undefined> {
  const targets = resources?.routes.get('r')?.virtualHosts[0]?.routes[0]?.action;
  const names = targets?.kind === 'forward' ? targets.targets.map(({ cluster }) => cluster) : [];
  return Object.fromEntries(
    names.map((name) => {
      const assignment = resources?.clusters.has(name) ? resources.assignments.get(name) : undefined;
      return [name, assignment?.localities.flatMap(({ endpoints }) => endpoints.map(({ host }) => host))];
    }),
  );
}

describe('the first configuration', () => {
  it('is published when everything that it refers to is there, and once', () => {
    deliverA();
    expect(published).toHaveLength(1);
    expect(view()).toEqual({ a: ['10.0.0.1'] });
  });

  it.each(['cluster', 'endpoint', 'listener', 'route'] as const)('waits for the last part: %s', (last) => {
    const { current } = connections;
    const parts = {
      cluster: () => current.respond('cluster', [clusterMessage('a')]),
      listener: () => current.respond('listener', [listenerMessage('l', 'r')]),
      route: () => current.respond('route', [routeMessage('r', 'a')]),
      endpoint: () => current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]),
    };
    for (const [kind, deliver] of Object.entries(parts)) {
      if (kind !== last) deliver();
      settle();
    }
    expect(published).toEqual([]);
    parts[last]();
    // Endpoints or routes that came before anybody had asked for them are sent again by a server.
    parts.route();
    parts.endpoint();
    settle();
    expect(published).toHaveLength(1);
  });

  it('may be empty', () => {
    connections.current.respond('cluster', []);
    connections.current.respond('listener', []);
    settle();
    expect(published.map(({ listeners }) => listeners.size)).toEqual([0]);
  });

  it('goes without what is not delivered within 15 s', () => {
    const { current } = connections;
    current.respond('cluster', [clusterMessage('a'), clusterMessage('b')]);
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
    current.respond('listener', [
      listenerMessage('l', 'r'),
      listenerMessage('l2', 'never'),
      listenerMessage('l3', 'r3'),
    ]);
    current.respond('route', [routeMessage('r', 'a'), routeMessage('r3', 'nowhere')]);
    clock.advance(14_999);
    expect(published).toEqual([]);
    clock.advance(1);
    expect(published).toHaveLength(1);
    expect([...published[0]!.listeners.keys()]).toEqual(['l', 'l2', 'l3']);
    expect([...published[0]!.routes.keys()]).toEqual(['r', 'r3']);
    expect(view()).toEqual({ a: ['10.0.0.1'] });
  });

  it('goes without what was refused, at once', () => {
    const { current } = connections;
    current.respond('cluster', [clusterMessage('a'), clusterMessage('bad', { connectTimeout: {} })]);
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
    current.respond('listener', [listenerMessage('l', 'r'), listenerMessage('l2', 'r2'), listenerMessage('l3', 'r3')]);
    const refused = routeMessage('r3', 'a');
    refused.virtualHosts[0]!.domains = [];
    current.respond('route', [routeMessage('r', 'a'), routeMessage('r2', 'bad'), refused]);
    settle();
    expect(published).toHaveLength(1);
    expect([...published[0]!.listeners.keys()]).toEqual(['l', 'l2', 'l3']);
    expect([...published[0]!.routes.keys()]).toEqual(['r', 'r2']);
    expect([...published[0]!.clusters.keys()]).toEqual(['a']);
  });
});

describe('the timers of what is missing', () => {
  it('stand still while there is no connection, and begin anew with the next (A57)', () => {
    connections.current.respond('cluster', [clusterMessage('a')]);
    connections.current.respond('listener', [listenerMessage('l', 'r')]);
    connections.current.respond('route', [routeMessage('r', 'a')]);
    clock.advance(10_000);
    connections.current.handlers.onClose('gone');
    clock.advance(60_000);
    expect(published).toEqual([]);
    connections.current.handlers.onOpen();
    clock.advance(14_999);
    expect(published).toEqual([]);
    clock.advance(1);
    expect(view()).toEqual({ a: undefined });
  });

  it('do not hold up the rest of a configuration that runs', () => {
    const current = deliverA();
    current.respond('listener', [listenerMessage('l', 'r'), listenerMessage('new', 'later')]);
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.2')]);
    settle();
    expect(view()).toEqual({ a: ['10.0.0.2'] });
    expect([...published.at(-1)!.listeners.keys()]).toEqual(['l']);
    clock.advance(15_000);
    expect([...published.at(-1)!.listeners.keys()]).toEqual(['l', 'new']);
    current.respond('route', [routeMessage('later', 'a')]);
    settle();
    expect(published.at(-1)!.routes.has('later')).toBe(true);
  });

  it('leave none behind when everything is there', () => {
    deliverA();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a change', () => {
  it('lets a route go to a new cluster only when its endpoints are there (make before break)', () => {
    const current = deliverA();
    current.respond('cluster', [clusterMessage('a'), clusterMessage('b')]);
    current.respond('route', [routeMessage('r', 'b')]);
    settle();
    expect(view()).toEqual({ a: ['10.0.0.1'] });
    current.respond('endpoint', [assignmentMessage('b', '10.0.0.2')]);
    settle();
    expect(view()).toEqual({ b: ['10.0.0.2'] });
  });

  it('loses nothing when routes come before their cluster, and clusters go before their routes', () => {
    const current = deliverA();
    current.respond('route', [routeMessage('r', 'b')]);
    settle();
    current.respond('cluster', [clusterMessage('b')]);
    settle();
    expect(view()).toEqual({ a: ['10.0.0.1'] });
    current.respond('endpoint', [assignmentMessage('b', '10.0.0.2')]);
    settle();
    expect(view()).toEqual({ b: ['10.0.0.2'] });
    expect([...published.at(-1)!.clusters.keys()]).toEqual(['b']);
    expect(published.every((resources) => Object.values(view(resources)).every((hosts) => hosts !== undefined))).toBe(
      true,
    );
  });

  it('keeps a cluster that is gone as long as routes go there, for 15 s at most', () => {
    const current = deliverA();
    current.respond('cluster', []);
    settle();
    expect(published).toHaveLength(1);
    expect(current.last('endpoint')?.resourceNames).toEqual(['a']);
    clock.advance(14_999);
    expect(published).toHaveLength(1);
    clock.advance(1);
    expect(published).toHaveLength(2);
    expect(view()).toEqual({ a: undefined });
    expect(current.last('endpoint')?.resourceNames).toEqual([]);
  });

  it('brings a cluster back to life that was deleted and added again, the same (rule 16)', () => {
    const current = deliverA();
    const before = published.at(-1)!.clusters.get('a');
    current.respond('cluster', []);
    clock.advance(15_000);
    current.respond('cluster', [clusterMessage('a')]);
    settle();
    expect(view()).toEqual({ a: undefined });
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.1')]);
    settle();
    expect(view()).toEqual({ a: ['10.0.0.1'] });
    expect(published.at(-1)!.clusters.get('a')).toEqual(before);
  });

  it('moves a cluster to other endpoints when these are there, and keeps the old ones up to date until then', () => {
    const current = deliverA();
    const edsConfig = { configSourceSpecifier: { case: 'ads', value: {} } } as const;
    current.respond('cluster', [clusterMessage('a', { edsClusterConfig: { edsConfig, serviceName: 'other' } })]);
    current.respond('endpoint', [assignmentMessage('a', '10.0.0.5')]);
    settle();
    expect(view()).toEqual({ a: ['10.0.0.5'] });
    expect(current.last('endpoint')?.resourceNames).toEqual(['other', 'a']);
    current.respond('endpoint', [assignmentMessage('other', '10.0.0.6')]);
    settle();
    expect([...published.at(-1)!.assignments.keys()]).toEqual(['other']);
    expect(current.last('endpoint')?.resourceNames).toEqual(['other']);
  });

  it('moves a listener to other routes when these are there', () => {
    const current = deliverA();
    current.respond('listener', [listenerMessage('l', 'r2')]);
    settle();
    expect(published).toHaveLength(1);
    expect(current.last('route')?.resourceNames).toEqual(['r2', 'r']);
    current.respond('route', [routeMessage('r2', 'a')]);
    settle();
    expect(published.at(-1)!.listeners.get('l')?.routes).toBe('r2');
    expect([...published.at(-1)!.routes.keys()]).toEqual(['r2']);
    expect(current.last('route')?.resourceNames).toEqual(['r2']);
  });

  it('warms the routes inside a listener too', () => {
    const current = deliverA();
    const inline = (cluster: string) =>
      listenerMessage('l', '', { routeSpecifier: { case: 'routeConfig', value: routeMessage('x', cluster) } });
    current.respond('listener', [inline('a')]);
    settle();
    expect(published.at(-1)!.listeners.get('l')?.routes).toMatchObject({ name: 'l/x' });
    current.respond('cluster', [clusterMessage('a'), clusterMessage('b')]);
    current.respond('listener', [inline('b')]);
    settle();
    expect(JSON.stringify(published.at(-1)!.listeners.get('l'))).toContain('"cluster":"a"');
    current.respond('endpoint', [assignmentMessage('b', '10.0.0.2')]);
    settle();
    expect(JSON.stringify(published.at(-1)!.listeners.get('l'))).toContain('"cluster":"b"');
  });

  it('is published once, however many responses came in one turn', () => {
    const current = deliverA();
    for (let last = 2; last < 20; last += 1) current.respond('endpoint', [assignmentMessage('a', `10.0.0.${last}`)]);
    settle();
    expect(published).toHaveLength(2);
    expect(view()).toEqual({ a: ['10.0.0.19'] });
  });

  it('is not published when nothing changed', () => {
    const current = deliverA();
    current.respond('cluster', [clusterMessage('a')]);
    current.respond('route', [routeMessage('r', 'a')]);
    settle();
    expect(published).toHaveLength(1);
  });
});
