import type { MeshInternals } from '../../mesh-internals.js';

/**
 * What a port takes; `both` is Istio's PERMISSIVE, `tls` its STRICT, `plaintext` its DISABLE. `awaited`: nobody knows yet, so
 * every connection is taken and each of its calls waits, and is answered with 503 then.
 */
export type PortMode = 'both' | 'awaited' | 'tls' | 'plaintext' | 'closed';

/** As the configuration says; where it says nothing, a workload with an identity takes both. */
export function portMode({ snapshots, identity }: MeshInternals, port: number): PortMode {
  const { inbound } = snapshots.current;
  if (inbound === undefined) return identity === undefined ? 'plaintext' : 'both';
  if (inbound.listener.isAwaited === true) return identity === undefined ? 'plaintext' : 'awaited';
  const takesTls = inbound.chainOf(port, 'tls') !== undefined;
  const takesPlaintext = inbound.chainOf(port, 'plaintext') !== undefined;
  if (takesTls) return takesPlaintext ? 'both' : 'tls';
  return takesPlaintext ? 'plaintext' : 'closed';
}

/** Istio asks every client of its TLS for a certificate. */
export function wantsCertificate({ snapshots }: MeshInternals, port: number): boolean {
  return snapshots.current.inbound?.chainOf(port, 'tls')?.chain.clientCertificate !== 'optional';
}
