import type { KubernetesObject } from './resource-path.js';

const strings = { type: 'object', additionalProperties: { type: 'string' } };
const endpoint = {
  type: 'object',
  properties: { port: { type: 'string' }, path: { type: 'string' }, interval: { type: 'string' } },
};

/** Of the Prometheus Operator, what our PodMonitor has of it; no more of it can be had as a package. */
export const podMonitorDefinition: KubernetesObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'podmonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'PodMonitor', listKind: 'PodMonitorList', plural: 'podmonitors', singular: 'podmonitor' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema() } }],
  },
};

function schema() {
  const selector = { type: 'object', properties: { matchLabels: strings } };
  const podMetricsEndpoints = { type: 'array', items: endpoint };
  const spec = { type: 'object', required: ['selector'], properties: { selector, podMetricsEndpoints } };
  return { type: 'object', required: ['spec'], properties: { spec } };
}
