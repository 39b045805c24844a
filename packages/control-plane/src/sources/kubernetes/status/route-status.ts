import type { Issue } from '@inmesh/config';
import type { ClusterObject } from '../cluster-object.js';
import { isRecord } from '../records.js';
import { type Condition, itemsOf, timed } from './condition.js';
import { condition, fitting, isSameParent, isService } from './gateway-status.js';

type Fields = Readonly<Record<string, unknown>>;

/** The API server takes no more. */
const mostParents = 32;

/**
 * `status.parents` of a route: an entry of ours for each Service that it names as parent (GEP-1294), and those of other
 * controllers as they are.
 * @param onCut told how many of ours have no place
 */
export function routeStatus(
  object: ClusterObject,
  issues: readonly Issue[],
  controllerName: string,
  nowMs: number,
  onCut: (left: number) => void = () => {},
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
  return { parents: fitting([...before.filter((entry) => !isOurs(entry)), ...ours], mostParents, onCut) };
}

function accepted(object: ClusterObject, issues: readonly Issue[], index: number): Condition {
  const errors = issues.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return condition(object, 'Accepted', 'UnsupportedValue', errors);
  const at = `spec.parentRefs[${index}]`;
  const unbound = issues.filter(({ field }) => field === at || field.startsWith(`${at}.`));
  if (unbound.length === 0) return condition(object, 'Accepted', 'Accepted', []);
  // A port that it has lost to routes of another kind (GEP-1426, «Route types»).
  const isTaken = unbound.every(({ field }) => field === `${at}.port`);
  return condition(object, 'Accepted', isTaken ? 'Conflicted' : 'NoMatchingParent', unbound);
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
