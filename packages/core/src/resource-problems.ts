import type { Cluster } from './model/cluster.js';
import type { Listener } from './model/listener.js';
import type { ResourceProblem } from './model/problem.js';
import type { MeshSnapshot } from './snapshot.js';

export const problemHint =
  'the config server sent what cannot be used, or not all of it; mesh.status() lists all of that';

/** One sentence, e.g. `the cluster "reviews" cannot be used: connect_timeout: must be more than zero`. */
export function describeProblem({ kind, name, reason, servesLastGood }: ResourceProblem): string {
  const what = kind === 'endpoint' ? 'list of endpoints' : kind === 'route' ? 'route configuration' : kind;
  const state = servesLastGood ? 'is in use in an earlier version' : 'cannot be used';
  return `the ${what} ${JSON.stringify(name)} ${state}: ${reason}`;
}

/** Why a listener has no routes; undefined when it has those that the configuration gives it. */
export function problemWithRoutes(snapshot: MeshSnapshot, { name, routes }: Listener): ResourceProblem | undefined {
  const problem = snapshot.problemOf('listener', name);
  if (problem !== undefined && !problem.servesLastGood) return problem;
  const ofRoutes = typeof routes === 'string' ? snapshot.problemOf('route', routes) : undefined;
  return ofRoutes?.servesLastGood === false ? ofRoutes : undefined;
}

/** Why a cluster has no endpoints. */
export function problemWithEndpoints(snapshot: MeshSnapshot, { discovery }: Cluster): ResourceProblem | undefined {
  return discovery.kind === 'eds' ? snapshot.problemOf('endpoint', discovery.serviceName) : undefined;
}
