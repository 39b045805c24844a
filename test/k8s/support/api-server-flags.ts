import type { ServerCredentials } from './credentials.js';

export interface ApiServerOptions {
  /** Without its watch cache, a watch from a compacted revision is told 410 at once. Default true, as in a cluster. */
  readonly watchCache?: boolean;
  /** Of kube-apiserver, beside those that are always given. Default: none. */
  readonly flags?: Readonly<Record<string, string>>;
}

export const serviceAccountIssuer = 'https://kubernetes.default.svc.cluster.local';

export function apiServerFlags(
  credentials: ServerCredentials,
  etcdUrl: string,
  port: number,
  { watchCache = true, flags = {} }: ApiServerOptions,
): string[] {
  const all = {
    'etcd-servers': etcdUrl,
    // Only tests compact, so that they know which revisions are left.
    'etcd-compaction-interval': '0',
    'watch-cache': String(watchCache),
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'secure-port': String(port),
    'tls-cert-file': credentials.certificateFile,
    'tls-private-key-file': credentials.keyFile,
    'token-auth-file': credentials.tokensFile,
    'authorization-mode': 'RBAC',
    'service-account-issuer': serviceAccountIssuer,
    'service-account-key-file': credentials.serviceAccountKeyFile,
    'service-account-signing-key-file': credentials.serviceAccountKeyFile,
    'service-cluster-ip-range': '10.96.0.0/16',
    // It would have its own address in EndpointSlices, where none may be of loopback.
    'endpoint-reconciler-type': 'none',
    // Told to end, it else waits a minute for watches that do not.
    'shutdown-watch-termination-grace-period': '1s',
    profiling: 'false',
    ...flags,
  };
  return Object.entries(all).map(([name, value]) => `--${name}=${value}`);
}
