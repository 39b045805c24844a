import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of YAML that a test writes as an editor would. */
export class ConfigFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'inmesh-control-plane-'));

  write(name: string, text: string): void {
    const temporary = join(this.path, `.${name}.tmp`);
    writeFileSync(temporary, text);
    renameSync(temporary, join(this.path, name));
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A service with one endpoint on loopback, as Kubernetes would hold it. */
export function serviceYaml(name: string, endpointPort: number): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 80 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${endpointPort} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;
}

export const brokenYaml = 'apiVersion: v1\nkind: Service\nmetadata: { name: reviews\n';
