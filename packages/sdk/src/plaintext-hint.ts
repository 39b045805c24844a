import type { Call, MeshError } from '@inmesh/core';
import { transportTls } from './identity/upstream-tls.js';
import type { MeshInternals } from './mesh-internals.js';

const hungUp = /other side closed|ECONNRESET|EPIPE|Connection dropped|socket hang up|connection closed/i;

const hint =
  'the endpoint was called in plain text; if it demands mutual TLS, its pod has to say so by the label ' +
  'security.istio.io/tlsMode=istio, and no DestinationRule set tls.mode DISABLE';

/**
 * A server that demands mutual TLS hangs up on plain text, without a word. Only a workload that has a certificate could
 * have called it otherwise.
 */
export function explainHangUp(failure: MeshError, call: Call, { identity }: MeshInternals): MeshError {
  const { cluster, endpoint, scheme } = call;
  if (failure.hint !== undefined || scheme === 'https' || !hungUp.test(failure.message)) return failure;
  if (identity?.current?.certificate === undefined) return failure;
  // Others than workloads of the mesh hang up for reasons of their own.
  if (cluster === undefined || endpoint?.endpoint.workload === undefined) return failure;
  if (transportTls(cluster.cluster, endpoint.endpoint) === undefined) failure.hint = hint;
  return failure;
}
