/** One process of the demo: in a cluster, a Deployment with one pod. */
export interface Workload {
  readonly name: string;
  readonly app: string;
  readonly version: string;
  readonly serviceAccount: string;
}

export const productpage = workload('productpage', 'v1');

export const workloads: readonly Workload[] = [
  productpage,
  workload('details', 'v1'),
  workload('reviews', 'v1'),
  workload('reviews', 'v2'),
  workload('reviews', 'v3'),
  workload('ratings', 'v1'),
];

function workload(app: string, version: string): Workload {
  return { name: `${app}-${version}`, app, version, serviceAccount: `bookinfo-${app}` };
}
