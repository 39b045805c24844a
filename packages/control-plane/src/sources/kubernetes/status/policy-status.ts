import type { Issue } from '@inmesh/config';
import type { ClusterObject } from '../cluster-object.js';
import { isRecord } from '../records.js';
import { type Condition, itemsOf, timed } from './condition.js';
import { condition, fitting, isSameParent, isService } from './gateway-status.js';

type Fields = Readonly<Record<string, unknown>>;

/** The API server takes no more. */
const mostAncestors = 16;

/**
 * `status.ancestors` of a BackendTLSPolicy: an entry of ours for each Service that it is for, as istiod has it in a mesh, and
 * those of other controllers as they are.
 * @param onCut told how many of ours have no place
 */
export function policyStatus(
  object: ClusterObject,
  issues: readonly Issue[],
  controllerName: string,
  nowMs: number,
  onCut: (left: number) => void = () => {},
): Record<string, unknown> {
  const { spec, status } = object;
  const before = itemsOf(isRecord(status) ? status.ancestors : undefined);
  const isOurs = (entry: Fields) => entry.controllerName === controllerName;
  const targets = itemsOf(isRecord(spec) ? spec.targetRefs : undefined);
  const ours = targets.flatMap((ancestorRef, index) => {
    if (!isService(ancestorRef)) return [];
    const known = before.find((entry) => isOurs(entry) && isSameParent(entry.ancestorRef, ancestorRef));
    const existing = itemsOf(known?.conditions);
    const conditions = [accepted(object, issues, index), resolvedRefs(object, issues)];
    return [{ ancestorRef, controllerName, conditions: conditions.map((one) => timed(one, existing, nowMs)) }];
  });
  return { ancestors: fitting([...before.filter((entry) => !isOurs(entry)), ...ours], mostAncestors, onCut) };
}

function accepted(object: ClusterObject, issues: readonly Issue[], index: number): Condition {
  const errors = issues.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return condition(object, 'Accepted', 'Invalid', errors);
  const at = `spec.targetRefs[${index}]`;
  const lost = issues.filter(({ field }) => field === at);
  if (lost.length > 0) return condition(object, 'Accepted', 'Conflicted', lost);
  const unfound = issues.filter(({ field }) => field.startsWith(`${at}.`));
  if (unfound.length > 0) return condition(object, 'Accepted', 'TargetNotFound', unfound);
  const unresolved = issues.filter(({ field }) => authorityField.test(field));
  const hasNone = unresolved.length > 0 && unresolved.length === authoritiesOf(object).length;
  return hasNone
    ? condition(object, 'Accepted', 'NoValidCACertificate', unresolved)
    : condition(object, 'Accepted', 'Accepted', []);
}

/** Authorities that cannot be used are a warning at the field of their reference that is to blame. */
const authorityField = /^spec\.validation\.caCertificateRefs\[\d+\]\.(kind|name)$/;

function resolvedRefs(object: ClusterObject, issues: readonly Issue[]): Condition {
  const unresolved = issues.filter(({ field }) => authorityField.test(field));
  if (unresolved.length === 0) return condition(object, 'ResolvedRefs', 'ResolvedRefs', []);
  const isKind = unresolved[0]?.field.endsWith('.kind');
  return condition(object, 'ResolvedRefs', isKind ? 'InvalidKind' : 'InvalidCACertificateRef', unresolved);
}

function authoritiesOf({ spec }: ClusterObject): readonly Fields[] {
  const validation = isRecord(spec) ? spec.validation : undefined;
  return itemsOf(isRecord(validation) ? validation.caCertificateRefs : undefined);
}
