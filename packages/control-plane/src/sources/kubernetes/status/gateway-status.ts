import type { Issue } from '@inmesh/config';
import type { ClusterObject } from '../cluster-object.js';
import { isRecord } from '../records.js';
import { type Condition, shortened } from './condition.js';
import { describeIssue } from './istio-status.js';

type Fields = Readonly<Record<string, unknown>>;

/** Whether a reference of the Gateway API, whose default is a Gateway, is to a Service. */
export function isService({ group = 'gateway.networking.k8s.io', kind = 'Gateway' }: Fields): boolean {
  return (group === '' || group === 'core') && kind === 'Service';
}

/** Of two `ParentReference`s. */
export function isSameParent(known: unknown, parent: Fields): boolean {
  const parts = ['group', 'kind', 'namespace', 'name', 'sectionName', 'port'];
  return isRecord(known) && parts.every((part) => known[part] === parent[part]);
}

/** What others have written is not ours to take away, so of ours the last are left out. */
export function fitting(entries: readonly Fields[], most: number, onCut: (left: number) => void): readonly Fields[] {
  if (entries.length > most) onCut(entries.length - most);
  return entries.slice(0, most);
}

/** It holds when nothing speaks against it. */
export function condition(
  { metadata: { generation = 0 } }: ClusterObject,
  type: string,
  reason: string,
  against: readonly Issue[],
): Condition {
  const status = against.length === 0 ? 'True' : 'False';
  const message = shortened(against.map(describeIssue).join('; '));
  return { type, status, reason, message, observedGeneration: generation };
}
