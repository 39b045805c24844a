import type { PeerIdentity } from '@inmesh/core';
import type { ClusterAccess } from '../kubernetes/client/cluster-access.js';
import type { IdentityLimitOptions } from './identity-limit.js';
import type { SecretName } from './secret-store.js';

/** How the config server gives identities, and asks for them on its TLS port. */
export interface CaOptions {
  /**
   * A folder of mode 0700 for the keys, made when it is missing; or one with the authority of somebody else: `ca-key.pem`,
   * `ca-cert.pem`, `root-cert.pem` and `cert-chain.pem` as Istio's `cacerts`, or `tls.key`, `tls.crt` and `ca.crt` as of
   * cert-manager. Default: in memory, gone with the process.
   */
  readonly folder?: string | undefined;
  /** A Secret for the keys, made when it is missing, which several servers can share. Instead of `folder`. */
  readonly secret?: SecretName | undefined;
  /** The name of a ConfigMap that is kept in every namespace, with our roots as `root-cert.pem`. Default: none. */
  readonly rootsConfigMap?: string | undefined;
  /** Default `cluster.local`. */
  readonly trustDomain?: string | undefined;
  /** Of each of the two phases of a change of roots, in ms. Default: 24 h, the life of a certificate. */
  readonly phaseMs?: number | undefined;
  /** How long the certificates last that are given by SDS, in ms; 24 h at most, which is the default. */
  readonly sdsValidityMs?: number | undefined;
  /** 0 takes a free port. Default 15012. */
  readonly tlsPort?: number | undefined;
  /** Names and addresses that clients call the TLS port by, beside the usual ones. */
  readonly hosts?: readonly string[] | undefined;
  /** Lines of `TOKEN NAMESPACE/SERVICE-ACCOUNT`, mode 0600. */
  readonly tokenFile?: string | undefined;
  /** Whoever has it may be any workload; for `inmesh dev`. The token is `SECRET~NAMESPACE~SERVICE-ACCOUNT`. */
  readonly sharedSecret?: string | undefined;
  readonly tokens?: ReadonlyMap<string, PeerIdentity> | undefined;
  /** A file with the keys of the cluster, to check service account tokens without its API server. */
  readonly keySet?: { readonly path: string; readonly issuer: string } | undefined;
  /**
   * Whose API server checks service account tokens and keeps the Secret. Default: the cluster that this process runs in, and
   * for the Secret also that of KUBECONFIG.
   */
  readonly cluster?: ClusterAccess | undefined;
  /** Of service account tokens, one is enough. Default `istio-ca`. */
  readonly audiences?: readonly string[] | undefined;
  readonly limit?: Omit<IdentityLimitOptions, 'now'> | undefined;
}

export const defaultCaOptions = Object.freeze({
  trustDomain: 'cluster.local',
  tlsPort: 15012,
  audiences: Object.freeze(['istio-ca']),
});

const usualHosts = ['localhost', '127.0.0.1', '::1', 'inmesh.inmesh-system', 'inmesh.inmesh-system.svc'];

/** What the server's own certificate is for. */
export function hostsOf({ hosts = [] }: CaOptions, boundTo: string, clusterDomain: string): readonly string[] {
  // A server on all addresses has none by which it is called.
  const bound = ['0.0.0.0', '::'].includes(boundTo) ? [] : [boundTo];
  return [...new Set([...usualHosts, `inmesh.inmesh-system.svc.${clusterDomain}`, ...bound, ...hosts])];
}
