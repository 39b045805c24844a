import { systemClock } from '../../system-clock.js';
import { KubernetesClient } from './client.js';
import type { ClusterAccess } from './cluster-access.js';
import { UndiciTransport } from './undici-transport.js';

/** A client with the process's own clock and randomness. */
export function openClient(access: ClusterAccess, timeoutMs?: number): KubernetesClient {
  const transport = new UndiciTransport(access);
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  return new KubernetesClient({ transport, clock: systemClock, random: Math.random, ...limit });
}
