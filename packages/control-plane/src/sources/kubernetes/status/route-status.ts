import type { Issue } from '@inmesh/config';
import type { ClusterObject } from '../cluster-object.js';
import { isRecord } from '../records.js';
import { type Condition, itemsOf, shortened, timed } from './condition.js';
import { describeIssue } from './istio-status.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * `status.parents` of a route: an entry of ours for each Service that it names as parent (GEP-1294), and those of other
 * controllers as they are.
 */
export function routeStatus(
  object: ClusterObject,
  issues: readonly Issue[],
  controllerName: string,
  nowMs: number,
): Record<string, unknown> {
  const { spec, status } = object;
  const before = itemsOf(isRecord(status) ? status.parents : undefined);
  const isOurs = (entry: Fields) => entry.controllerName === controllerName;
  const parents = itemsOf(isRecord(spec) ? spec.parentRefs : undefined);
  const ours = parents.flatMap((parentRef, index) => {
    if (!isService(parentRef)) return [];
    const known = before.find((entry) => isOurs(entry) && isSameParent(entry.parentRef, parentRef));
    const existing = itemsOf(known?.conditions);
    const conditions = [accepted(object, issues, index), resolvedRefs(object, issues)];
    return [{ parentRef, controllerName, conditions: conditions.map((one) => timed(one, existing, nowMs)) }];
  });
  return { parents: [...before.filter((entry) => !isOurs(entry)), ...ours] };
}

function isService({ group = 'gateway.networking.k8s.io', kind = 'Gateway' }: Fields): boolean {
  return (group === '' || group === 'core') && kind === 'Service';
}

function isSameParent(known: unknown, parent: Fields): boolean {
  const parts = ['group', 'kind', 'namespace', 'name', 'sectionName', 'port'];
  return isRecord(known) && parts.every((part) => known[part] === parent[part]);
}

function accepted(object: ClusterObject, issues: readonly Issue[], index: number): Condition {
  const errors = issues.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return condition(object, 'Accepted', 'UnsupportedValue', errors);
  const at = `spec.parentRefs[${index}]`;
  const unbound = issues.filter(({ field }) => field === at || field.startsWith(`${at}.`));
  return condition(object, 'Accepted', unbound.length === 0 ? 'Accepted' : 'NoMatchingParent', unbound);
}

/** A backend that cannot be used is a warning at the field of its reference that is to blame. */
const backendField = /\.backendRefs?(?:\[\d+\])?\.(kind|namespace|name|port)$/;
const backendReasons: Readonly<Record<string, string>> = {
  kind: 'InvalidKind',
  namespace: 'RefNotPermitted',
  name: 'BackendNotFound',
  port: 'BackendNotFound',
};

function resolvedRefs(object: ClusterObject, issues: readonly Issue[]): Condition {
  const unresolved = issues.filter(({ field }) => backendField.test(field));
  const [, field = ''] = backendField.exec(unresolved[0]?.field ?? '') ?? [];
  return condition(object, 'ResolvedRefs', backendReasons[field] ?? 'ResolvedRefs', unresolved);
}

/** It holds when nothing speaks against it. */
function condition(
  { metadata: { generation = 0 } }: ClusterObject,
  type: string,
  reason: string,
  against: readonly Issue[],
): Condition {
  const status = against.length === 0 ? 'True' : 'False';
  const message = shortened(against.map(describeIssue).join('; '));
  return { type, status, reason, message, observedGeneration: generation };
}
