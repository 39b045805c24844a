import { describe, expect, it } from 'vitest';
import { SnapshotAssembler } from '../assemble.js';
import type { MeshError } from '../errors.js';
import type { ResourceProblem } from '../model/problem.js';
import { emptyResources } from '../model/resources.js';
import { outbound } from '../outbound.js';
import { FakeReply } from '../testing/fake-reply.js';
import {
  FakeClock,
  seededRandom,
  testCall,
  testCluster,
  testForward,
  testHash64,
  testRoute,
  testRouteConfiguration,
} from '../testing/index.js';

const name = 'reviews:80';
const eds = { kind: 'eds', serviceName: 'reviews-pods' } as const;

function problem(kind: ResourceProblem['kind'], of: string, servesLastGood = false): ResourceProblem {
  return { kind, name: of, reason: 'lb_policy: is not supported', servesLastGood };
}

/** What a call to a mesh fails with that has only what is named here, and these problems. */
async function failureOf(
  has: { routes?: boolean; cluster?: boolean },
  ...problems: ResourceProblem[]
): Promise<MeshError> {
  const clock = new FakeClock();
  const random = seededRandom(1);
  const assembler = new SnapshotAssembler({ clock, random, hash64: testHash64, searchDomains: [] });
  const routes = testRouteConfiguration([{ domains: ['*'], routes: [testRoute({ action: testForward() })] }], name);
  const snapshot = assembler.assemble({
    ...emptyResources,
    listeners: new Map([[name, { name, routes: name }]]),
    routes: new Map(has.routes === true ? [[name, routes]] : []),
    clusters: new Map(has.cluster === true ? [['reviews', testCluster({ discovery: eds })]] : []),
    problems,
  });
  const send = outbound(async () => new FakeReply(200), { clock, random, telemetry: [], wallClock: () => 0 });
  return send(testCall({ snapshot })).then(
    () => Promise.reject(new Error('was answered')),
    (error: MeshError) => error,
  );
}

describe('a call that fails because of the configuration says which resource and field is wrong', () => {
  it('where the listener was refused', async () => {
    const failure = await failureOf({}, problem('listener', name));
    expect(failure).toMatchObject({ reason: 'no_route', httpStatus: 503, grpcStatus: 14 });
    expect(failure.message).toBe('the listener "reviews:80" cannot be used: lb_policy: is not supported');
  });

  it('where its routes were refused or are missing', async () => {
    const failure = await failureOf({}, problem('route', name));
    expect(failure).toMatchObject({ reason: 'no_route', httpStatus: 503, grpcStatus: 14 });
    expect(failure.message).toBe('the route configuration "reviews:80" cannot be used: lb_policy: is not supported');
  });

  it('where the cluster was refused or is missing', async () => {
    const failure = await failureOf({ routes: true }, problem('cluster', 'reviews'));
    expect(failure).toMatchObject({ reason: 'no_cluster', httpStatus: 503, grpcStatus: 14, cluster: 'reviews' });
    expect(failure.message).toBe('the cluster "reviews" cannot be used: lb_policy: is not supported');
  });

  it('where the endpoints were refused or are missing', async () => {
    const failure = await failureOf({ routes: true, cluster: true }, problem('endpoint', 'reviews-pods'));
    expect(failure).toMatchObject({ reason: 'no_healthy_upstream', httpStatus: 503, grpcStatus: 14 });
    expect(failure.message).toBe('the list of endpoints "reviews-pods" cannot be used: lb_policy: is not supported');
  });

  it('where an earlier version is in use that has no endpoint', async () => {
    const failure = await failureOf({ routes: true, cluster: true }, problem('endpoint', 'reviews-pods', true));
    expect(failure.message).toContain('is in use in an earlier version: lb_policy');
  });
});

describe('a call that fails for another reason', () => {
  it('does not speak of problems elsewhere', async () => {
    const others = [problem('cluster', 'ratings'), problem('listener', name, true), problem('route', name, true)];
    const failure = await failureOf({}, ...others);
    expect(failure).toMatchObject({ reason: 'no_route', httpStatus: 404 });
    expect(failure.message).toBe('no route of reviews:80 matches GET /');
  });
});
