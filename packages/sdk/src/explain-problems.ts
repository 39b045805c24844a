import { describeProblem, type Listener, type MeshSnapshot, type ResourceProblem, type Route } from '@inmesh/core';

/** What is wrong with the listener, its routes, and the clusters that a route goes to. */
export function explainProblems(
  snapshot: MeshSnapshot,
  listener: Listener | undefined,
  route: Route | undefined,
): string[] {
  if (listener === undefined || snapshot.problems.length === 0) return [];
  const found = [snapshot.problemOf('listener', listener.name), ofRoutes(snapshot, listener)];
  if (route?.action.kind === 'forward') {
    for (const { cluster } of route.action.targets) found.push(...ofCluster(snapshot, cluster));
  }
  return found.filter((problem) => problem !== undefined).map(describeProblem);
}

function ofRoutes(snapshot: MeshSnapshot, { routes }: Listener): ResourceProblem | undefined {
  return typeof routes === 'string' ? snapshot.problemOf('route', routes) : undefined;
}

function ofCluster(snapshot: MeshSnapshot, name: string): (ResourceProblem | undefined)[] {
  const discovery = snapshot.clusters.get(name)?.cluster.discovery;
  const serviceName = discovery?.kind === 'eds' ? discovery.serviceName : undefined;
  return [
    snapshot.problemOf('cluster', name),
    serviceName === undefined ? undefined : snapshot.problemOf('endpoint', serviceName),
  ];
}
