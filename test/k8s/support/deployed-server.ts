import { join } from 'node:path';
import type { ApiServer } from './api-server.js';
import { writeKubeconfig } from './kubeconfig.js';
import { findObject, kustomize, templateOf } from './manifests.js';
import { PeerProcess } from './peer-process.js';
import { waitFor } from './wait-for.js';

const bin = join(import.meta.dirname, '../../../packages/cli/bin/inmesh.js');
const ports = ['--xds-port=0', '--tls-port=0', '--metrics-port=0', '--debug-port=0', '--webhook-port=0'];

export interface DeployedServer {
  /** By the names of the line that it prints: xds, tls, metrics, debug, webhook. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly log: () => string;
  close(): Promise<void>;
}

/** The config server as `k8s/base` deploys it, on loopback and free ports, with the rights of this token; `flags` beside its own. */
export async function startDeployed(
  server: ApiServer,
  token: string,
  folder: string,
  ...flags: string[]
): Promise<DeployedServer> {
  const { args } = templateOf(findObject(await kustomize(server, 'base'), 'Deployment')).spec.containers[0];
  // As a pod's own: what is in its namespace is found by it.
  const namespace = 'inmesh-system';
  const { url, caFile } = server;
  const kubeconfig = writeKubeconfig({ file: join(folder, 'kubeconfig'), server: url, caFile, token, namespace });
  const filled = args.map((arg) => arg.replaceAll('$(POD_NAMESPACE)', namespace));
  const child = new PeerProcess({
    ...{
      binary: process.execPath,
      logFile: join(folder, 'config-server.log'),
      args: [bin, ...filled, '--host=127.0.0.1', ...ports, ...flags],
    },
    env: { KUBECONFIG: kubeconfig },
  });
  const line = () => /^LISTENING .*$/m.exec(child.log)?.[0];
  await waitFor('its ports', () => line() !== undefined, { log: () => child.log });
  const addresses = Object.fromEntries([...line()!.matchAll(/(\w+)=(\S+)/g)].map(([, name, at]) => [name, at]));
  return { addresses: addresses as Record<string, string>, log: () => child.log, close: () => child.kill('SIGTERM') };
}
