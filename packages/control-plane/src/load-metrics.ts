import type { ClusterLoad } from '@inmesh/xds/server';
import { Counter, type Registry } from 'prom-client';

/** With four series each; the names come from clients. */
const maxClusters = 500;

/** Counts what clients report that they sent, by cluster. Clusters above a bound share the label `other`. */
export function loadMetrics(registers: Registry[]): (load: ClusterLoad) => void {
  const requests = new Counter({
    name: 'inmesh_load_report_requests_total',
    help: 'Requests that clients reported by LRS, by cluster and outcome.',
    labelNames: ['cluster', 'outcome'],
    registers,
  });
  const clusters = new Set<string>();
  const labelOf = (cluster: string) => {
    if (clusters.size < maxClusters) clusters.add(cluster);
    return clusters.has(cluster) ? cluster : 'other';
  };
  return ({ cluster: name, dropped, localities }) => {
    const cluster = labelOf(name);
    requests.inc({ cluster, outcome: 'dropped' }, dropped);
    for (const { issued, succeeded, failed } of localities) {
      requests.inc({ cluster, outcome: 'issued' }, issued);
      requests.inc({ cluster, outcome: 'succeeded' }, succeeded);
      requests.inc({ cluster, outcome: 'failed' }, failed);
    }
  };
}
