import type { KubernetesClient } from '../kubernetes/client/client.js';
import { findCluster } from '../kubernetes/client/find-cluster.js';
import { inClusterAccess } from '../kubernetes/client/in-cluster.js';
import { openClient } from '../kubernetes/client/open-client.js';
import type { CaOptions } from './ca-options.js';

/** A workload waits for the answer about its token. */
const timeoutMs = 5000;

/**
 * Undefined: nothing that the options name needs an API server, or there is none.
 * @param isNeeded by something else
 * @throws Error when one is needed, as by keys in a Secret, and no cluster is known
 */
export function openCaClient(options: CaOptions, isNeeded = false): KubernetesClient | undefined {
  const { cluster, secret, rootsConfigMap, keySet } = options;
  const hasUse = isNeeded || secret !== undefined || rootsConfigMap !== undefined;
  const access = cluster ?? (hasUse ? findCluster() : undefined);
  if (access !== undefined) return openClient(access, timeoutMs);
  // Who gives the keys of the cluster does not want it to be asked.
  const pod = keySet === undefined ? inClusterAccess(process.env) : undefined;
  return pod && openClient(pod, timeoutMs);
}
