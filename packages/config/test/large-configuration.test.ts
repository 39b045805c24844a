import { expect, it } from 'vitest';
import { loadConfig } from '../src/index.js';
import { service } from './support.js';

const count = 500;

function objectsOf(index: number): string {
  const name = `s${index}`;
  return `${service(name, 80)}---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http-80, port: 8080 }]
endpoints: [{ addresses: [10.0.${index >> 8}.${index & 255}] }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name} }
spec: { host: ${name}, subsets: [{ name: v1, labels: { version: v1 } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name} }
spec: { hosts: [${name}], http: [{ route: [{ destination: { host: ${name}, subset: v1 } }] }] }
`;
}

const text = Array.from({ length: count }, (_, index) => objectsOf(index)).join('');

it('2,000 objects in one file are loaded in time', () => {
  const start = performance.now();
  const { objects, resources } = loadConfig([{ path: 'all.yaml', text }]);
  expect(objects).toBe(4 * count);
  expect(resources.clusters.size).toBe(2 * count);
  expect(performance.now() - start).toBeLessThan(5000);
});

it('2,000 objects with a mistake in each rule are loaded in time', () => {
  const start = performance.now();
  const { issues } = loadConfig([{ path: 'all.yaml', text: text.replaceAll('host: s', 'host: gone-s') }]);
  expect(issues.filter(({ severity }) => severity === 'error')).toHaveLength(count);
  expect(performance.now() - start).toBeLessThan(5000);
});
