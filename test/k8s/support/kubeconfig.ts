import { writeFileSync } from 'node:fs';

export interface KubeconfigOptions {
  readonly file: string;
  readonly server: string;
  readonly caFile: string;
  readonly token: string;
  /** Default: `default`. */
  readonly namespace?: string;
}

/** Writes a kubeconfig of one context, as JSON, which is YAML; returns its file. */
export function writeKubeconfig({ file, server, caFile, token, namespace = 'default' }: KubeconfigOptions): string {
  const name = 'test';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
