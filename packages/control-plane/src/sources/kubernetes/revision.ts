import type { KubernetesObject } from '../../kubernetes/client/objects.js';

const revisionLabel = 'istio.io/rev';

/** An object without a revision is for all of them (Istio `LabelsInRevision`). */
export function isInRevision({ metadata: { labels } }: KubernetesObject, revision: string): boolean {
  const wanted = labels?.[revisionLabel];
  return wanted === undefined || wanted === revision;
}
