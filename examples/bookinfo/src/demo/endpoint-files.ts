import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workload } from './topology.js';

/**
 * Tells the config server where a workload listens: what Kubernetes does in a cluster.
 * @param port undefined while it does not listen: its Pod is there then, but not ready
 */
export async function writeEndpoint(folder: string, workload: Workload, port?: number): Promise<void> {
  // Written beside and renamed, so that half a file is never read; hidden names are passed over.
  const unfinished = join(folder, `.${workload.name}`);
  await writeFile(unfinished, podAndEndpointSlice(workload, port));
  await rename(unfinished, fileOf(folder, workload));
}

function fileOf(folder: string, { name }: Workload): string {
  return join(folder, `${name}.yaml`);
}

function podAndEndpointSlice({ name, app, version, serviceAccount }: Workload, port: number | undefined): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: default
  labels: { app: ${app}, version: ${version}, security.istio.io/tlsMode: istio }
spec: { serviceAccountName: ${serviceAccount} }
status: { podIP: 127.0.0.1 }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}
  namespace: default
  labels: { kubernetes.io/service-name: ${app} }
addressType: IPv4
ports: [${port === undefined ? '' : `{ name: http, port: ${port}, protocol: TCP }`}]
endpoints:
  - addresses: [127.0.0.1]
    conditions: { ready: ${port !== undefined} }
    targetRef: { kind: Pod, name: ${name}, namespace: default }
`;
}
