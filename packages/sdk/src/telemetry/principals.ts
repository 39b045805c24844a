import type { Call, UpstreamTls } from '@inmesh/core';
import { transportTls } from '../identity/upstream-tls.js';

interface Principals {
  /** SPIFFE IDs; undefined where nothing proves them. */
  readonly source: string | undefined;
  readonly destination: string | undefined;
}

const unproved: Principals = { source: undefined, destination: undefined };

/**
 * Who a call is from and to, by the TLS of its endpoint.
 * @param own the SPIFFE ID of this workload
 */
export function principalsOfCall({ cluster, endpoint }: Call, own: string | undefined): Principals {
  const tls = cluster && endpoint && transportTls(cluster.cluster, endpoint.endpoint);
  if (tls === undefined) return unproved;
  return { source: tls.certificate?.kind === 'workload' ? own : undefined, destination: onlyServer(tls) };
}

/** A server that could be one of several has proved that it is one of them; which one, its connection alone knows. */
function onlyServer({ trust, skipVerify, subjectAltNames }: UpstreamTls): string | undefined {
  const [only, ...others] = subjectAltNames;
  if (trust.kind !== 'workload' || skipVerify || others.length > 0) return undefined;
  return only?.kind === 'exact' && only.value.startsWith('spiffe://') ? only.value : undefined;
}
