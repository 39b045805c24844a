import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of YAML that a test writes as an editor would. */
export class ConfigFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'inmesh-cli-'));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    const temporary = join(this.path, `.${name}.tmp`);
    writeFileSync(temporary, text);
    renameSync(temporary, join(this.path, name));
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A service of two versions, on loopback. */
export const reviewsYaml = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec:
  selector: { app: reviews }
  ports: [{ name: http, port: 80 }]
${endpointOf('v1', 9001)}${endpointOf('v2', 9002)}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec:
  host: reviews
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;

function endpointOf(version: string, port: number): string {
  return `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-${version}, namespace: default, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints:
  - addresses: [127.0.0.1]
    conditions: { ready: true }
    targetRef: { kind: Pod, name: reviews-${version}, namespace: default }
---
apiVersion: v1
kind: Pod
metadata: { name: reviews-${version}, namespace: default, labels: { app: reviews, version: ${version} } }
`;
}

/** jason goes to v2, the others to v1 but for a tenth. */
export const routesYaml = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: default }
spec:
  hosts: [reviews]
  http:
    - name: testers
      match: [{ headers: { end-user: { exact: jason } } }]
      route: [{ destination: { host: reviews, subset: v2 } }]
    - name: everyone
      route:
        - { destination: { host: reviews, subset: v1 }, weight: 90 }
        - { destination: { host: reviews, subset: v2 }, weight: 10 }
`;

export const brokenYaml = 'apiVersion: v1\nkind: Service\nmetadata: { name: reviews\n';
