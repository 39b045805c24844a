import type { JsonObject } from '@bufbuild/protobuf';
import type { MeshResources } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeConnections } from '../../test/fake-connection.js';
import { assignmentMessage, clusterMessage } from '../../test/fixtures.js';
import { chain, extAuthz, inboundListener, rbac } from '../../test/inbound-fixtures.js';
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

const withRules = (rules: JsonObject) => inboundListener([chain([rbac({ rules })])]);
const broken = inboundListener([chain([rbac({ rules: {}, matcher: {} })])]);

function deliver(...listeners: ReturnType<typeof inboundListener>[]): void {
  connections.current.respond('listener', listeners);
  clock.advance(0);
}

const inbound = () => published.at(-1)?.inbound;

const actions = () =>
  inbound()?.chains.flatMap(({ filters }) =>
    filters.map((filter) => (filter.kind === 'rbac' ? filter.rules.action : filter.kind)),
  );

describe('what a server demands of those that come in', () => {
  beforeEach(() => connections.current.respond('cluster', []));

  it('is published, and is no entry for calls that go out', () => {
    deliver(withRules({ action: 'DENY' }));
    expect(actions()).toEqual(['deny']);
    expect(published.at(-1)?.listeners.size).toBe(0);
  });

  it('is replaced by what comes next, and stays the same object when it comes again', () => {
    deliver(withRules({ action: 'DENY' }));
    const before = inbound();
    deliver(withRules({ action: 'DENY' }));
    expect(inbound()).toBe(before);
    deliver(withRules({}));
    expect(actions()).toEqual(['allow']);
  });

  it('stays as it was when what comes next is broken', () => {
    deliver(withRules({ action: 'DENY' }));
    deliver(broken);
    expect(actions()).toEqual(['deny']);
    expect(published.at(-1)?.problems).toMatchObject([{ name: 'virtualInbound' }]);
  });

  it('lets nobody in when the first that comes is broken, until a good one comes', () => {
    deliver(broken);
    expect(inbound()).toEqual({ name: 'virtualInbound', chains: [] });
    deliver(withRules({}));
    expect(actions()).toEqual(['allow']);
  });

  it('is nothing when the server has it no more', () => {
    deliver(withRules({ action: 'DENY' }));
    deliver();
    expect(published.at(-1)).toBeDefined();
    expect(inbound()).toBeUndefined();
  });

  it('is made of all such listeners', () => {
    const address = { socketAddress: { address: '0.0.0.0', portValue: 9000 } };
    deliver(withRules({}), inboundListener([chain([])], { name: 'b', address }));
    expect(inbound()).toMatchObject({ name: 'b, virtualInbound', chains: [{ port: 9000 }, { port: 0 }] });
  });
});

describe('a service that is asked who may come in', () => {
  const asking = inboundListener([chain([extAuthz({ grpcService: { envoyGrpc: { clusterName: 'authz' } } })])]);

  it('is warm before anything is published', () => {
    connections.current.respond('cluster', [clusterMessage('authz')]);
    deliver(asking);
    expect(published).toEqual([]);
    connections.current.respond('endpoint', [assignmentMessage('authz', '10.0.0.1')]);
    clock.advance(0);
    expect(actions()).toEqual(['externalAuthorization']);
    expect(published.at(-1)?.clusters.has('authz')).toBe(true);
  });

  it('is not waited for where less was demanded before', () => {
    connections.current.respond('cluster', [clusterMessage('authz')]);
    deliver();
    connections.current.respond('endpoint', []);
    deliver(asking);
    expect(actions()).toEqual(['externalAuthorization']);
  });
});
