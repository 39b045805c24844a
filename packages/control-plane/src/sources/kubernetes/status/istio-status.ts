import type { Issue } from '@inmesh/config';
import type { ClusterObject } from '../cluster-object.js';
import { isRecord } from '../records.js';
import { type Condition, itemsOf, shortened, timed } from './condition.js';

const conditionType = 'Reconciled';

/** Istio's own names and codes for what its analysis finds (istio.io «Configuration Analysis Messages»). */
const messageTypes = {
  reference: { name: 'ReferencedResourceNotFound', code: 'IST0101' },
  error: { name: 'SchemaValidationError', code: 'IST0106' },
  warning: { name: 'SchemaWarning', code: 'IST0133' },
} as const;

/**
 * The status of an Istio object: one condition, which says whether it is in use as it is written, and the kinds of what is
 * wrong with it. Conditions of others stay, and so do messages with a `documentationUrl`, which are those of istiod.
 */
export function istioStatus(object: ClusterObject, issues: readonly Issue[], nowMs: number): Record<string, unknown> {
  const before = isRecord(object.status) ? object.status : {};
  const conditions = itemsOf(before.conditions);
  const ofOthers = itemsOf(before.validationMessages).filter(({ documentationUrl }) => documentationUrl !== undefined);
  const ours = conditions.findIndex(({ type }) => type === conditionType);
  const condition = timed(conditionOf(object, issues), conditions, nowMs);
  return {
    conditions: ours < 0 ? [...conditions, condition] : conditions.map((one, at) => (at === ours ? condition : one)),
    validationMessages: [...ofOthers, ...messagesOf(issues)],
  };
}

function conditionOf({ metadata: { generation = 0 } }: ClusterObject, issues: readonly Issue[]): Condition {
  const isRefused = issues.some(({ severity }) => severity === 'error');
  return {
    type: conditionType,
    status: isRefused ? 'False' : 'True',
    reason: isRefused ? 'Refused' : 'Accepted',
    message: shortened(issues.map(describeIssue).join('; ')),
    observedGeneration: generation,
  };
}

export function describeIssue({ field, message, hint }: Issue): string {
  return `${field === '' ? '' : `${field}: `}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function messagesOf(issues: readonly Issue[]): readonly object[] {
  const kinds = new Set(issues.map(({ severity, isReference }) => (isReference ? 'reference' : severity)));
  return (['reference', 'error', 'warning'] as const)
    .filter((kind) => kinds.has(kind))
    .map((kind) => ({ level: kind === 'warning' ? 'WARNING' : 'ERROR', type: messageTypes[kind] }));
}
