import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from './backends.js';

/** A folder of YAML that a test writes as a user would. */
export class ConfigFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'inmesh-test-'));

  /** Writes beside and renames, as an editor does. */
  write(name: string, text: string): void {
    const temporary = join(this.path, `.${name}.tmp`);
    writeFileSync(temporary, text);
    renameSync(temporary, join(this.path, name));
  }

  remove(name: string): void {
    rmSync(join(this.path, name));
  }

  async close(): Promise<void> {
    rmSync(this.path, { recursive: true, force: true });
  }
}

type Instance = Pick<Backend, 'app' | 'version' | 'port'>;

/** What Kubernetes would hold of a service: Service, EndpointSlice and the Pods that carry the version labels. */
export function serviceYaml(
  name: string,
  instances: readonly Instance[],
  { namespace = 'default', port = 80 } = {},
): string {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } };
  return [
    { ...service, spec: { selector: { app: name }, ports: [{ name: 'http', port }] } },
    ...slicesAndPods(name, instances, namespace),
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}

/** One EndpointSlice for each instance: a slice has one port for all its endpoints, and on loopback each has its own. */
export function slicesAndPods(name: string, instances: readonly Instance[], namespace = 'default'): object[] {
  return instances.flatMap(({ version, port }) => {
    const pod = `${name}-${version}-${port}`;
    return [
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: pod, namespace, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port }],
        endpoints: [
          { addresses: ['127.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: pod, namespace } },
        ],
      },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, namespace, labels: { app: name, version } } },
    ];
  });
}
