import { awaitedInbound, emptyResources, type Listener, type MeshResources, type ResourceProblem } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { bootstrapOf } from '@inmesh/xds/bootstrap';
import { beforeEach, describe, expect, it } from 'vitest';
import { OnDemandListeners } from './on-demand-listeners.js';

const template = (authority: string) => `xdstp://${authority}/envoy.config.listener.v3.Listener/%s`;
const plain = bootstrapOf(['a:1']);
const { servers } = plain;

let clock: FakeClock;
let subscribed: string[];
let problem: string | undefined;
let announcements: number;
let redeliveries: number;
let onDemand: OnDemandListeners;

beforeEach(() => {
  clock = new FakeClock(0);
  subscribed = [];
  problem = undefined;
  redeliveries = 0;
  announcements = 0;
  onDemand = create('%s');
});

function create(clientListenerTemplate: string | undefined): OnDemandListeners {
  const authorities = new Map([['x', { servers, clientListenerTemplate: template('x') }]]);
  return new OnDemandListeners({
    bootstrap: { ...plain, clientListenerTemplate, authorities },
    clock,
    waitMs: 2000,
    subscribe: (names) => {
      subscribed = [...names].filter((name) => name !== 'virtualInbound');
      announcements += 1;
    },
    problem: () => problem,
    onHosts: () => {
      redeliveries += 1;
    },
  });
}

function listener(name: string): Listener {
  return { name: name.toLowerCase(), routes: 'r' };
}

/** With a listener of each name, and others that do not exist. */
function deliver(names: readonly string[], missing: readonly string[] = []): MeshResources {
  const problems = missing.map(
    (name): ResourceProblem => ({ kind: 'listener', name, reason: 'it does not exist', servesLastGood: false }),
  );
  const listeners = new Map([...names, ...missing].map((name) => [name.toLowerCase(), listener(name)]));
  const resources = { ...emptyResources, listeners, problems };
  clock.advance(0);
  const renamed = onDemand.rename(resources);
  onDemand.published(renamed);
  return renamed;
}

/** `waiting` when it has not settled yet. */
async function outcomeOf(promise: Promise<void> | undefined): Promise<unknown> {
  const settled = Promise.resolve(promise).then(
    () => 'ready',
    (error) => error.message,
  );
  return Promise.race([settled, new Promise((resolve) => setImmediate(() => resolve('waiting')))]);
}

describe('What is demanded of those that come in', () => {
  const name = 'virtualInbound';
  const inbound = { name, chains: [{ port: 0, transport: 'plaintext', clientCertificate: 'optional', filters: [] }] };

  it('is asked for before any host is, and with all of them', () => {
    const asked: string[][] = [];
    const { bootstrap } = { bootstrap: { ...plain, clientListenerTemplate: '%s' } };
    onDemand = new OnDemandListeners({
      ...{ bootstrap, clock, waitMs: 2000, problem: () => undefined, onHosts() {} },
      subscribe: (names) => void asked.push([...names]),
    });
    onDemand.start();
    void onDemand.prepare('http', 'reviews');
    clock.advance(0);
    expect(asked).toEqual([[name], [name, 'reviews']]);
  });

  it('lets nobody in until the server has said what it is', () => {
    expect(onDemand.rename(emptyResources).inbound).toBe(awaitedInbound);
    expect(onDemand.rename(emptyResources).inbound).toBe(onDemand.rename(emptyResources).inbound);
    const known = { ...emptyResources, inbound } as MeshResources;
    expect(onDemand.rename(known).inbound).toBe(inbound);
  });

  it('is nothing where the server has none, which is no problem', () => {
    const of = (...names: string[]) =>
      names.map((name): ResourceProblem => ({ kind: 'listener', name, reason: 'it is not', servesLastGood: false }));
    const renamed = onDemand.rename({ ...emptyResources, problems: of(name, 'other') });
    expect(renamed.inbound).toBeUndefined();
    expect(renamed.problems).toEqual(of('other'));
  });
});

describe('A host that is called', () => {
  it('is asked for as it is written, and known as host and port', async () => {
    const asking = onDemand.prepare('http', 'reviews');
    clock.advance(0);
    expect(subscribed).toEqual(['reviews']);
    expect(await outcomeOf(asking)).toBe('waiting');
    expect([...deliver(['reviews']).listeners.keys()]).toEqual(['reviews:80']);
    expect(await outcomeOf(asking)).toBe('ready');
    expect(onDemand.prepare('http', 'reviews')).toBeUndefined();
    expect(onDemand.prepare('http', 'reviews:80')).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it('has the listener that the template names', async () => {
    onDemand = create(template('x'));
    const asking = onDemand.prepare('http', 'reviews:9080');
    clock.advance(0);
    const [name = ''] = subscribed;
    expect(name).toBe('xdstp://x/envoy.config.listener.v3.Listener/reviews:9080');
    const first = deliver([name]).listeners.get('reviews:9080');
    expect(first).toMatchObject({ name: 'reviews:9080', routes: 'r' });
    expect(await outcomeOf(asking)).toBe('ready');
  });

  it('keeps its listener as the same object while nothing changes', () => {
    void onDemand.prepare('http', 'reviews');
    const resources = { ...emptyResources, listeners: new Map([['reviews', listener('reviews')]]) };
    const first = onDemand.rename(resources).listeners.get('reviews:80');
    expect(onDemand.rename({ ...resources }).listeners.get('reviews:80')).toBe(first);
  });

  it('goes where DNS leads when it has no listener, and when that is not known in time', async () => {
    const asking = onDemand.prepare('http', 'example.com');
    deliver([], ['example.com']);
    expect(await outcomeOf(asking)).toBe('ready');
    expect(onDemand.prepare('http', 'example.com')).toBeUndefined();
    const slow = onDemand.prepare('http', 'slow.example');
    clock.advance(2000);
    expect(await outcomeOf(slow)).toBe('ready');
    expect(onDemand.prepare('http', 'slow.example')).toBeUndefined();
    expect([...deliver(['slow.example']).listeners.keys()]).toEqual(['slow.example:80']);
  });

  it('has what comes later', async () => {
    deliver([]);
    const asking = onDemand.prepare('http', 'reviews');
    clock.advance(0);
    expect(redeliveries).toBe(1);
    deliver([], ['reviews']);
    await asking;
    expect([...deliver(['reviews']).listeners.keys()]).toEqual(['reviews:80']);
  });

  it('is asked for together with all that are called in the same turn', () => {
    for (let host = 0; host < 50; host += 1) void onDemand.prepare('http', `h${host}`);
    onDemand.close();
    expect(announcements).toBe(0);
    onDemand = create('%s');
    for (let host = 0; host < 50; host += 1) void onDemand.prepare('http', `h${host}`);
    clock.advance(0);
    expect([announcements, subscribed.length]).toEqual([1, 50]);
  });

  it('waits until its listener is in use under its own name, even if that is known', async () => {
    onDemand = create('all');
    void onDemand.prepare('http', 'one');
    const renamed = deliver(['all']);
    const asking = onDemand.prepare('http', 'two');
    onDemand.published(renamed);
    expect(await outcomeOf(asking)).toBe('waiting');
    expect([...deliver(['all']).listeners.keys()]).toEqual(['one:80', 'two:80']);
    expect(await outcomeOf(asking)).toBe('ready');
  });

  it('is forgotten after a thousand others, unless it is a target of xds:', () => {
    onDemand.claim('http', 'kept', undefined);
    void onDemand.prepare('http', 'first');
    deliver(['first']);
    for (let host = 0; host < 1000; host += 1) {
      void onDemand.prepare('http', `h${host}`);
      deliver([`h${host}`]);
    }
    clock.advance(0);
    expect(subscribed).toHaveLength(1000);
    expect(subscribed).toContain('kept');
    expect(subscribed).not.toContain('first');
  });
});

describe('A target of xds:', () => {
  it('fails with the reason when it has no listener, each time', async () => {
    onDemand.claim('http', 'reviews', 'x');
    const asking = onDemand.prepare('http', 'reviews');
    clock.advance(0);
    const [name = ''] = subscribed;
    expect(name).toBe(`xdstp://x/envoy.config.listener.v3.Listener/reviews`);
    deliver([], [name]);
    expect(await outcomeOf(asking)).toBe(`listener ${name}: it does not exist`);
    await expect(onDemand.prepare('http', 'reviews')).rejects.toMatchObject({ reason: 'no_route', grpcStatus: 14 });
    deliver([name]);
    expect(onDemand.prepare('http', 'reviews')).toBeUndefined();
  });

  it('waits as long as a server can be asked, and fails with the reason when none can', async () => {
    onDemand.claim('http', 'reviews', undefined);
    const asking = onDemand.prepare('http', 'reviews');
    clock.advance(10_000);
    expect(await outcomeOf(asking)).toBe('waiting');
    problem = 'a:1: gone';
    clock.advance(2000);
    expect(await outcomeOf(asking)).toBe('listener reviews: a:1: gone');
    expect(await outcomeOf(onDemand.prepare('http', 'reviews'))).toBe('listener reviews: a:1: gone');
    problem = undefined;
    const next = onDemand.prepare('http', 'reviews');
    deliver(['reviews']);
    expect(await outcomeOf(next)).toBe('ready');
  });

  it('must be of an authority of the bootstrap, and of one alone', () => {
    expect(() => onDemand.claim('http', 'reviews', 'nobody')).toThrow(
      'the bootstrap has no authority "nobody"; it has x',
    );
    onDemand.claim('http', 'reviews', 'x');
    onDemand.claim('http', 'reviews', 'x');
    expect(() => onDemand.claim('http', 'reviews', undefined)).toThrow('reviews is the listener xdstp://x/');
  });

  it('lets go of those who wait when the mesh closes', async () => {
    onDemand.claim('http', 'reviews', undefined);
    const asking = onDemand.prepare('http', 'reviews');
    onDemand.close();
    expect(await outcomeOf(asking)).toBe('listener reviews: the mesh was closed');
    expect(onDemand.prepare('http', 'another')).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });
});
