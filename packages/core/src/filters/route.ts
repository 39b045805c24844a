import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import { MeshError } from '../errors.js';
import { splitAuthority } from '../host-resolver.js';
import type { ForwardAction, RouteAction } from '../model/route.js';
import { pickTarget } from '../router/weighted-clusters.js';
import type { Filter } from '../service.js';

/** Finds the route and draws the cluster, once for a call: retries stay on the cluster that was drawn (Envoy router). */
export function routeFilter(random: Random): Filter {
  return (next) => (call) => {
    const failure = chooseRoute(call, random);
    return failure === undefined ? next(call) : Promise.reject(failure);
  };
}

/** Fills in `call.route` and `call.cluster`; returns the reason when it cannot. */
export function chooseRoute(call: Call, random: Random): MeshError | undefined {
  const host = call.snapshot.resolve(call.scheme, call.authority);
  const route = host?.virtualHost?.match(call, random);
  if (route === undefined) return noRoute(call, host?.name);
  call.route = route;
  const { action } = route;
  if (action.kind !== 'forward') return answeredByItself(route.name, action);
  call.action = action;
  call.target = pickTarget(action.targets, action.totalWeight, random);
  const name = call.target.cluster;
  call.cluster = call.snapshot.clusters.get(name);
  if (call.cluster !== undefined) return undefined;
  return new MeshError('no_cluster', {
    message: `route ${JSON.stringify(route.name)} names a cluster that is not configured`,
    cluster: name,
    hint: 'check that the destination host and subset exist',
  });
}

function answeredByItself(route: string, action: Exclude<RouteAction, ForwardAction>): MeshError {
  return new MeshError('no_cluster', {
    httpStatus: action.httpStatus,
    message: `route ${JSON.stringify(route)} answers ${action.httpStatus} by itself`,
  });
}

function noRoute(call: Call, host: string | undefined): MeshError {
  if (host !== undefined) {
    return new MeshError('no_route', {
      message: `no route of ${host} matches ${call.method} ${withoutQuery(call.path)}`,
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

function withoutQuery(path: string): string {
  const at = path.indexOf('?');
  return at < 0 ? path : path.slice(0, at);
}
