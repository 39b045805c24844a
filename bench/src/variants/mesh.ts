import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';

/** A mesh that knows one service, `reviews:9080`, with one endpoint on this port. */
export async function meshOf(port: number, more = '', options: MeshOptions = {}): Promise<Mesh> {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-bench-'));
  writeFileSync(join(folder, 'reviews.yaml'), serviceYaml(port) + more);
  const mesh = await createMesh({ ...options, config: folder });
  await mesh.ready();
  rmSync(folder, { recursive: true });
  return mesh;
}

function serviceYaml(port: number): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, namespace: default, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: default }
spec:
  hosts: [reviews]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      route: [{ destination: { host: reviews } }]
    - timeout: 10s
      route: [{ destination: { host: reviews } }]
`;
}
