import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ClusterAccess } from './cluster-access.js';
import { inClusterAccess, type Variables } from './in-cluster.js';
import { kubeconfigAccess } from './kubeconfig.js';

export interface FindClusterOptions {
  /** Default: KUBECONFIG, a list as in PATH. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** Default: those of the process. */
  readonly variables?: Variables;
}

/**
 * The cluster that is named; else that of KUBECONFIG, of the pod, or of `~/.kube/config`, in this order.
 * @throws Error that says what there is to set, or what is wrong with a file
 */
export function findCluster({ kubeconfig, context, variables = process.env }: FindClusterOptions = {}): ClusterAccess {
  const now = Date.now;
  const named = (kubeconfig ?? variables.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) {
    // kubectl leaves out what is missing, as long as something is there.
    const present = named.filter((file) => existsSync(file));
    return kubeconfigAccess({ files: present.length > 0 ? present : named, context, now });
  }
  const usual = join(variables.HOME ?? homedir(), '.kube', 'config');
  const pod = context === undefined ? inClusterAccess(variables) : undefined;
  if (pod !== undefined) return pod;
  if (existsSync(usual)) return kubeconfigAccess({ files: [usual], context, now });
  throw new Error(`no Kubernetes cluster is known: this is no pod, KUBECONFIG is not set and there is no ${usual}`);
}
