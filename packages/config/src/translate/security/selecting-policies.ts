import { type ClientView, isSdk } from '../../client.js';
import type { ObjectsByKind } from '../../read-objects.js';
import { selectorOf } from './selected.js';

/** A policy for those workloads of its namespace that have certain labels. */
export interface SelectingPolicy {
  readonly namespace: string;
  /** Kind and name. */
  readonly reference: string;
}

type Policies = Pick<ObjectsByKind, 'AuthorizationPolicy' | 'RequestAuthentication' | 'PeerAuthentication'>;

/** Whoever the client is: so one translation for many clients has them for each. */
export function selectingPolicies(objects: Policies): readonly SelectingPolicy[] {
  return [...objects.AuthorizationPolicy, ...objects.RequestAuthentication, ...objects.PeerAuthentication]
    .filter((policy) => Object.keys(selectorOf(policy)).length > 0)
    .map(({ namespace, place }) => ({ namespace, reference: place.reference }));
}

/**
 * What to tell a client that names no label, while policies of its namespace are for some labels: none of them applies to it,
 * which it may not have meant. Undefined for every other client.
 */
export function unlabelledProblem(policies: readonly SelectingPolicy[], client: ClientView): string | undefined {
  if (!isSdk(client) || Object.keys(client.labels ?? {}).length > 0) return undefined;
  const passedBy = policies.filter(({ namespace }) => namespace === client.namespace);
  if (passedBy.length === 0) return undefined;
  const names = passedBy.map(({ reference }) => reference).join(', ');
  return `policies with a selector do not apply to a workload that names no labels: ${names}; give INMESH_LABELS (k=v,k=v) or INMESH_APP`;
}
