import { type Outcome, runRandomScenario, Simulation } from 'inmesh/testing';
import { describe, expect, it } from 'vitest';

const reviews = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.test]
  ports: [ { number: 80, name: http, protocol: HTTP } ]
  resolution: STATIC
  endpoints:
    - { address: 10.0.0.1, labels: { version: v1 } }
    - { address: 10.0.0.2, labels: { version: v2 } }
`;

const policy = (spec: string) => `${reviews}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec: { hosts: [reviews.test], http: [ ${spec} ] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews.test
  subsets: [ { name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } } ]
`;

const split = (v1: number, v2: number) => `{ route: [
  { destination: { host: reviews.test, subset: v1 }, weight: ${v1} },
  { destination: { host: reviews.test, subset: v2 }, weight: ${v2} } ] }`;

describe('a simulation', () => {
  it('splits calls by the weights of its YAML, and the same seed splits them alike', async () => {
    const run = async () => {
      const simulation = new Simulation({ seed: 1, config: policy(split(90, 10)) });
      const servers = ['10.0.0.1:80', '10.0.0.2:80'].map((address) => simulation.network.listen(address));
      const client = simulation.client();
      for (let i = 0; i < 1000; i += 1) void client.send({ url: 'http://reviews.test/' });
      await simulation.run(1000);
      expect(simulation.finish()).toEqual([]);
      return servers.map((server) => server.requests);
    };
    const [v1, v2] = await run();
    expect(v1! + v2!).toBe(1000);
    expect(Math.abs(v2! - 100)).toBeLessThan(40);
    expect(await run()).toEqual([v1, v2]);
  });

  it('lets no time pass by itself, and ends a call exactly at its deadline', async () => {
    const simulation = new Simulation({ seed: 1, config: policy(split(100, 0)) });
    simulation.network.listen('10.0.0.1:80', { kind: 'hang' });
    const outcome = simulation.client().send({ url: 'http://reviews.test/', deadlineMs: 250 });
    await simulation.run(249);
    expect(await Promise.race([outcome, 'still waiting'])).toBe('still waiting');
    await simulation.run(1);
    expect(await outcome).toMatchObject({ startedAt: 0, endedAt: 250, status: 0, attempts: 1 });
    expect((await outcome).error?.reason).toBe('deadline_exceeded');
  });

  it('moves on from a server that refuses to one that does not', async () => {
    const simulation = new Simulation({ seed: 3, config: reviews });
    simulation.network.listen('10.0.0.1:80', { kind: 'refuse' });
    simulation.network.listen('10.0.0.2:80', { kind: 'answer', status: 204 });
    const client = simulation.client();
    const outcomes = Promise.all(Array.from({ length: 20 }, () => client.send({ url: 'http://reviews.test/' })));
    await simulation.run(5000);
    expect(new Set((await outcomes).map(({ status, endpoint }) => `${status} ${endpoint}`))).toEqual(
      new Set(['204 10.0.0.2:80']),
    );
  });

  it('has servers that call others: two tiers in one process', async () => {
    const simulation = new Simulation({ seed: 1, config: policy(split(100, 0)) });
    const inner = simulation.client();
    simulation.network.listen('10.0.0.1:80', {
      kind: 'handle',
      handler: async ({ path }) => {
        if (path === '/leaf') return { status: 200, headers: { 'x-path': path } };
        const { status, header } = await inner.send({ url: 'http://reviews.test/leaf' });
        return { status, headers: { 'x-path': `${path}${header('x-path')}` } };
      },
    });
    const outcome = simulation.client().send({ url: 'http://reviews.test/top' });
    await simulation.run(10);
    expect((await outcome).header('x-path')).toBe('/top/leaf');
  });

  it('has callers that go away, and everything that was done for them ends', async () => {
    const simulation = new Simulation({ seed: 1, config: policy(split(100, 0)) });
    const inner = simulation.client();
    const outcomes: Promise<Outcome>[] = [];
    simulation.network.listen('10.0.0.1:80', {
      kind: 'handle',
      handler: async (serving) => {
        if (serving.path === '/leaf') return new Promise(() => {});
        outcomes.push(inner.send({ url: 'http://reviews.test/leaf', serving }));
        return outcomes[0]!;
      },
    });
    const outcome = simulation.client().send({ url: 'http://reviews.test/top', cancelAfterMs: 30 });
    await simulation.run(30);
    const caller = { status: 0, endedAt: 30, error: { reason: 'caller_cancelled' } };
    expect(await outcome).toMatchObject(caller);
    expect(await outcomes[0]).toMatchObject(caller);
    expect(simulation.finish()).toEqual([]);
  });

  it('hands a deadline down, and lets one tier alone retry', async () => {
    const retries = `${split(100, 0).slice(0, -1)}, retries: { attempts: 2, retryOn: 5xx, backoff: 1ms } }`;
    const simulation = new Simulation({ seed: 1, config: policy(retries) });
    const inner = simulation.client();
    const deadlines = new Set<number>();
    let leaf = 0;
    simulation.network.listen('10.0.0.1:80', {
      kind: 'handle',
      handler: async (serving) => {
        deadlines.add(serving.deadline);
        if (serving.path === '/top') return inner.send({ url: 'http://reviews.test/leaf', serving });
        leaf += 1;
        return { status: 503 };
      },
    });
    const outcome = simulation.client().send({ url: 'http://reviews.test/top', deadlineMs: 900 });
    await simulation.run(900);
    expect(await outcome).toMatchObject({ status: 503, attempts: 1 });
    expect([...deadlines]).toEqual([900]);
    expect(leaf).toBe(3);
    expect(simulation.finish()).toEqual([]);
  });

  it('replaces its configuration under way, and says everything that is wrong with one', async () => {
    const simulation = new Simulation({ seed: 1, config: policy(split(100, 0)) });
    const servers = ['10.0.0.1:80', '10.0.0.2:80'].map((address) => simulation.network.listen(address));
    const client = simulation.client();
    void client.send({ url: 'http://reviews.test/' });
    await simulation.run(10);
    simulation.apply(policy(split(0, 100)));
    void client.send({ url: 'http://reviews.test/' });
    await simulation.run(10);
    expect(servers.map((server) => server.requests)).toEqual([1, 1]);
    expect(() => simulation.apply(policy('{ rout: [] }'))).toThrow(/spec\.http\[0\]\.rout: .*did you mean "route"/);
  });

  it('says what is wrong with a server, an address and a seed, as tests are not always typed', () => {
    const simulation = new Simulation({ seed: 1 });
    const listen = (behaviour: object, address = '10.0.0.1:80') =>
      simulation.network.listen(address, behaviour as { kind: 'hang' });
    expect(() => listen({ kind: 'anwser' })).toThrow('behaviour.kind: "anwser" is none of answer, handle');
    expect(() => listen({ kind: 'answer', latencyMS: 5 })).toThrow('behaviour.latencyMS: "answer" has no such field');
    expect(() => listen({ kind: 'hang' }, '10.0.0.1')).toThrow('"10.0.0.1" is no address: ip:port');
    const server = listen({ kind: 'hang' });
    expect(() => Object.assign(server, { behaviour: { kind: 'hung' } })).toThrow('"hung" is none of');
    expect(() => new (Simulation as unknown as new () => Simulation)()).toThrow('seed must be an integer');
  });

  it('does not let two servers have one address', () => {
    const simulation = new Simulation({ seed: 1 });
    simulation.network.listen('10.0.0.1:80');
    expect(() => simulation.network.listen('10.0.0.1:80')).toThrow('there is already a server at 10.0.0.1:80');
  });
});

describe('a random scenario', () => {
  it('is the same for the same seed, to the last attempt', async () => {
    expect(await runRandomScenario(11)).toEqual(await runRandomScenario(11));
    expect(await runRandomScenario(11)).not.toMatchObject({ attempts: (await runRandomScenario(12)).attempts });
  });
});
