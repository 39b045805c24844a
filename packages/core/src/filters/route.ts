import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import { MeshError } from '../errors.js';
import { type ResolvedHost, splitAuthority } from '../host-resolver.js';
import type { ResourceProblem } from '../model/problem.js';
import type { ForwardAction, PathMatcher, RouteAction } from '../model/route.js';
import { describeProblem, problemHint, problemWithRoutes } from '../resource-problems.js';
import { withoutQuery } from '../router/path-matcher.js';
import { redirectLocation } from '../router/redirect.js';
import { withRequestOverrides } from '../router/request-overrides.js';
import { pickTarget } from '../router/weighted-clusters.js';
import type { Filter, Reply } from '../service.js';
import { answerLocally } from './answer-locally.js';

/**
 * Finds the route, answers what the route answers by itself, and draws the cluster, once for a call: retries stay on the
 * cluster that was drawn (Envoy router).
 */
export function routeFilter(random: Random): Filter {
  return (next) => (call) => {
    const failure = chooseRoute(call, random);
    if (failure !== undefined) return Promise.reject(failure);
    const { action, match } = call.route!;
    return action.kind === 'forward' ? next(call) : answerByRoute(call, action, match.path);
  };
}

/**
 * Fills in `call.route` and, when the route forwards, what it forwards to; returns the reason when it cannot. A fault
 * comes before the cluster: where one is configured the cluster may be missing, and the fault filter asks for it later.
 */
export function chooseRoute(call: Call, random: Random): MeshError | undefined {
  const host = call.snapshot.resolve(call.scheme, call.authority);
  const route = host?.virtualHost?.match(call, random);
  if (route === undefined) return noRoute(call, host);
  call.route = route;
  const { action } = route;
  if (action.kind !== 'forward') return undefined;
  call.action = withRequestOverrides(action, call.headers);
  const target = pickTarget(action.targets, action.totalWeight, random);
  call.target = target;
  call.cluster = call.snapshot.clusters.get(target.cluster);
  if (call.cluster !== undefined || (target.fault ?? route.fault) !== undefined) return undefined;
  return noCluster(call);
}

/** Of a call that has a route and a target. */
export function noCluster({ route, target, snapshot }: Call): MeshError {
  const problem = snapshot.problemOf('cluster', target!.cluster);
  return new MeshError('no_cluster', {
    message:
      problem === undefined
        ? `route ${JSON.stringify(route!.name)} names a cluster that is not configured`
        : describeProblem(problem),
    cluster: target!.cluster,
    hint: problem === undefined ? 'check that the destination host and subset exist' : problemHint,
  });
}

function answerByRoute(call: Call, action: Exclude<RouteAction, ForwardAction>, match: PathMatcher): Promise<Reply> {
  const { httpStatus } = action;
  if (action.kind === 'directResponse') {
    return answerLocally(call, { httpStatus, headers: [], body: action.body, flags: '' });
  }
  const headers = ['location', redirectLocation(action, match, call)];
  return answerLocally(call, { httpStatus, headers, body: '', flags: '' });
}

function noRoute(call: Call, host: ResolvedHost | undefined): MeshError {
  if (host !== undefined) {
    const problem = problemWithRoutes(call.snapshot, host.listener);
    if (problem !== undefined) return unusable(problem);
    return new MeshError('no_route', {
      message: `no route of ${host.name} matches ${call.method} ${withoutQuery(call.path)}`,
      hint: 'mesh.explain() shows why each route did not match',
    });
  }
  const { host: name } = splitAuthority(call.authority);
  const ports = [...call.snapshot.listeners.keys()].filter(
    (key) => key === name || key.startsWith(`${name}.`) || key.startsWith(`${name}:`),
  );
  return new MeshError('no_route', {
    message: `nothing is configured for ${call.authority}`,
    hint:
      ports.length > 0
        ? `known: ${ports.slice(0, 5).join(', ')}`
        : 'check the host name and that its Service is in the configuration',
  });
}

/** Not the request is wrong but the configuration: 503, and UNAVAILABLE for gRPC, instead of no_route's own (gRFC A88). */
function unusable(problem: ResourceProblem): MeshError {
  return new MeshError('no_route', {
    message: describeProblem(problem),
    httpStatus: 503,
    grpcStatus: 14,
    hint: problemHint,
  });
}
