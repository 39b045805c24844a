import { describe, expect, it } from 'vitest';
import type { ClusterObject } from './cluster-object.js';
import { keptOfNode, keptOfPod, keptOfService, keptOfSlice, wholeObject } from './kept-parts.js';

const metadata = {
  ...{ name: 'reviews', namespace: 'shop', resourceVersion: '7', uid: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  managedFields: [{ manager: 'kubectl' }],
};

function pod(phase: string): ClusterObject {
  const ownerReferences = [
    { kind: 'ReplicaSet', name: 'reviews-5', controller: true, uid: '2' },
    { kind: 'Other', name: 'x' },
  ];
  const meta = { ...metadata, labels: { app: 'reviews' }, ownerReferences };
  const spec = { serviceAccountName: 'cart', nodeName: 'n1', containers: [{ env: ['much'] }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: meta, spec, status: { phase, podIP: '10.0.0.1', conditions: [] } };
}

describe('What is kept of an object', () => {
  it('is all but the notes of those who wrote it', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'networking.istio.io/exportTo': '.',
      'argocd.argoproj.io/tracking-id': 'shop:x',
    };
    const kept = wholeObject({
      kind: 'Sidecar',
      metadata: { ...metadata, annotations, labels: { team: 'shop' } },
      spec: { egress: [] },
      status: {},
    });
    expect(kept).toMatchObject({ spec: { egress: [] }, status: {} });
    expect(kept.metadata.annotations).toEqual({ 'networking.istio.io/exportTo': '.' });
    expect(kept.metadata.managedFields).toBeUndefined();
    expect(kept.metadata.labels).toBeUndefined();
  });

  it('is of a Service what is read, and nothing that a newer Kubernetes may have', () => {
    const ports = [{ name: 'http', port: 80 }];
    const written = [{ name: 'http', port: 80, futureField: 1 }];
    const spec = {
      ports: written,
      clusterIP: 'None',
      trafficDistribution: 'PreferClose',
      selector: {},
      futureField: 1,
    };
    const kept = keptOfService({ apiVersion: 'v1', kind: 'Service', metadata, spec, status: { loadBalancer: {} } });
    expect(kept).toMatchObject({ spec: { ports, clusterIP: 'None', trafficDistribution: 'PreferClose' } });
    expect(Object.keys(kept)).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(JSON.stringify(kept)).not.toContain('futureField');
    expect(Object.keys(kept.spec as object).sort()).toEqual(['clusterIP', 'ports', 'trafficDistribution']);
  });

  it('is of an EndpointSlice where and how its endpoints are', () => {
    const endpoint = {
      ...{ addresses: ['10.0.0.1'], conditions: { ready: false, serving: true, terminating: true }, zone: 'a' },
      ...{ nodeName: 'n1', hints: { forZones: [{ name: 'a' }] } },
    };
    const targetRef = { kind: 'Pod', name: 'reviews-1', namespace: 'shop' };
    const labels = { 'kubernetes.io/service-name': 'reviews', other: 'x' };
    const kept = keptOfSlice({
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { ...metadata, labels } },
      ...{ addressType: 'IPv4', ports: [{ name: 'http', port: 80, protocol: 'TCP', appProtocol: null }] },
      endpoints: [{ ...endpoint, targetRef: { ...targetRef, uid: '9', resourceVersion: '1' }, deprecatedTopology: {} }],
    });
    expect(kept).toMatchObject({ endpoints: [{ ...endpoint, targetRef }], ports: [{ name: 'http', port: 80 }] });
    expect(kept.metadata.labels).toEqual({ 'kubernetes.io/service-name': 'reviews' });
    expect(JSON.stringify(kept)).not.toContain('deprecated');
    expect(keptOfSlice({ kind: 'EndpointSlice', metadata, endpoints: null, ports: null })).toMatchObject({
      endpoints: [],
    });
  });

  it('is of a Pod who it is and where, until it has ended', () => {
    const kept = keptOfPod(pod('Running'));
    expect(kept).toMatchObject({
      metadata: {
        labels: { app: 'reviews' },
        ownerReferences: [{ kind: 'ReplicaSet', name: 'reviews-5', controller: true }],
      },
      spec: { serviceAccountName: 'cart', nodeName: 'n1' },
      status: { podIP: '10.0.0.1' },
    });
    expect(JSON.stringify(kept)).not.toMatch(/containers|uid|managedFields|phase/);
    expect([keptOfPod(pod('Succeeded')), keptOfPod(pod('Failed'))]).toEqual([undefined, undefined]);
  });

  it('is of a Node where it is', () => {
    const labels = { 'topology.kubernetes.io/zone': 'a', 'kubernetes.io/os': 'linux' };
    const kept = keptOfNode({ kind: 'Node', metadata: { ...metadata, labels }, status: { images: [] } });
    expect(kept.metadata.labels).toEqual({ 'topology.kubernetes.io/zone': 'a' });
    expect(kept).not.toHaveProperty('status');
  });
});
