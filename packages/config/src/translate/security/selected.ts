import type { Settings } from '../../options.js';
import type { Labels } from '../workloads.js';

interface Selecting {
  readonly namespace: string;
  readonly body: {
    readonly spec?: { readonly selector?: { readonly matchLabels?: Labels | undefined } | undefined } | undefined;
  };
}

export function selectorOf({ body }: Selecting): Labels {
  return body.spec?.selector?.matchLabels ?? {};
}

/**
 * Whether a policy is for the client's own workload: by its namespace, where that of the root means all, and by its labels.
 * All questions are asked, whatever the first answer is.
 */
export function isForClient(policy: Selecting, { client, rootNamespace }: Settings): boolean {
  const isNear = policy.namespace === rootNamespace || client.isIn(policy.namespace);
  return client.hasLabels(selectorOf(policy)) && isNear;
}
