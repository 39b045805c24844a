import { SnapshotAssembler } from '../assemble.js';
import type { Call } from '../call.js';
import { MeshError } from '../errors.js';
import type { Cluster, Endpoint } from '../model/cluster.js';
import type { MeshResources } from '../model/resources.js';
import type { ForwardAction, RetryPolicy } from '../model/route.js';
import { outbound } from '../outbound.js';
import type { Service } from '../service.js';
import {
  type TestCall,
  type TestCallInit,
  testCall,
  testCluster,
  testEndpoint,
  testForward,
  testRetryPolicy,
  testRoute,
  testRouteConfiguration,
} from './builders.js';
import { FakeClock } from './fake-clock.js';
import { FakeReply } from './fake-reply.js';
import { seededRandom } from './seeded-random.js';
import { testHash64 } from './test-hash64.js';

export interface OneClusterSetup {
  readonly action?: Partial<Omit<ForwardAction, 'kind' | 'totalWeight'>>;
  readonly cluster?: Partial<Cluster>;
  readonly endpoints?: number;
  readonly seed?: number;
  readonly clock?: FakeClock;
  readonly wallClock?: () => number;
}

type Answer = (call: Call, attempt: number) => FakeReply | MeshError | Promise<FakeReply>;

/** The whole outbound walk to the cluster `reviews`, whose answers the test gives. */
export function oneClusterMesh(setup: OneClusterSetup = {}) {
  const clock = setup.clock ?? new FakeClock();
  const random = seededRandom(setup.seed ?? 1);
  const assembler = new SnapshotAssembler({ clock, random, hash64: testHash64, searchDomains: [] });
  let snapshot = assembler.assemble(oneClusterResources(setup));
  const sent: string[] = [];
  const headersSent: (readonly string[])[] = [];
  let answer: Answer = () => new FakeReply(200);
  const transport: Service<TestCall> = async (call) => {
    sent.push(call.endpoint!.endpoint.address);
    headersSent.push([...call.headers.flat]);
    const outcome = await answer(call, sent.length);
    if (outcome instanceof MeshError) throw outcome;
    return outcome;
  };
  const { wallClock } = setup;
  const service = outbound(transport, { clock, random, telemetry: [], ...(wallClock && { wallClock }) });
  const call = (init: TestCallInit = {}) =>
    testCall({ authority: 'reviews', snapshot, startedAt: clock.now(), ...init });
  return {
    clock,
    /** Addresses, in order of the attempts. */
    sent,
    headersSent,
    service,
    call,
    get state() {
      return snapshot.clusters.get('reviews')!.state;
    },
    get endpoints() {
      return snapshot.clusters.get('reviews')!.endpoints;
    },
    answerWith(next: Answer) {
      answer = next;
    },
    /** A new configuration for the calls to come. */
    publish(next: OneClusterSetup) {
      snapshot = assembler.assemble(oneClusterResources(next));
    },
    publishWithoutCluster() {
      snapshot = assembler.assemble({ ...oneClusterResources({}), clusters: new Map() });
    },
    close: () => assembler.close(),
    /** Sends one call and lets `ms` pass for it. */
    async send(init: TestCallInit | TestCall = {}, ms = 1000) {
      const sending = service('snapshot' in init && 'cancel' in init ? init : call(init));
      sending.catch(() => {});
      await clock.advanceAsync(ms);
      return (await sending) as FakeReply;
    },
  };
}

function oneClusterResources({ action, cluster, endpoints = 3 }: OneClusterSetup): MeshResources {
  const name = 'reviews:80';
  const hosts: Endpoint[] = Array.from({ length: endpoints }, (_, i) => testEndpoint({ host: `10.0.0.${i + 1}` }));
  const locality = { region: '', zone: '', subZone: '', priority: 0, weight: 1, endpoints: hosts };
  const routes = [testRoute({ action: testForward(action) })];
  return {
    listeners: new Map([[name, { name, routes: name }]]),
    routes: new Map([[name, testRouteConfiguration([{ domains: ['*'], routes }], name)]]),
    clusters: new Map([['reviews', testCluster(cluster)]]),
    assignments: new Map([['reviews', { clusterName: 'reviews', localities: [locality] }]]),
    inbound: undefined,
  };
}

/** The same with a route that retries: once, unless told otherwise. */
export function retryMesh(retry: Partial<RetryPolicy>, { action, ...rest }: OneClusterSetup = {}) {
  return oneClusterMesh({ ...rest, action: { ...action, retry: testRetryPolicy({ attempts: 1, ...retry }) } });
}
