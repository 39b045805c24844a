import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterAccess } from './cluster-access.js';

export type Variables = Readonly<Record<string, string | undefined>>;

const podFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** As a pod finds it. Undefined outside of Kubernetes, or where no token is mounted. */
export function inClusterAccess(variables: Variables, folder: string = podFolder): ClusterAccess | undefined {
  const server = serverOfPod(variables);
  if (server === undefined || !existsSync(join(folder, 'token'))) return undefined;
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const namespaceFile = join(folder, 'namespace');
  return {
    server,
    namespace: existsSync(namespaceFile) ? read('namespace').trim() : 'default',
    description: "the pod's service account",
    // The kubelet writes a new token long before the old one ends. Both files are in memory, so reading them costs nothing.
    credentials: async () => ({ headers: { authorization: `Bearer ${read('token').trim()}` }, ca: read('ca.crt') }),
    forget() {},
  };
}

function serverOfPod(variables: Variables): string | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = variables;
  if (!host) return undefined;
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
