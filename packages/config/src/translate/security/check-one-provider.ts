import type { Settings } from '../../options.js';
import type { Labels } from '../workloads.js';
import type { AuthorizationSourceObject } from './rbac-policies.js';
import { selectorOf } from './selected.js';

type Root = Pick<Settings, 'rootNamespace'>;

/**
 * A workload takes one provider (Istio). Said of each CUSTOM policy that meets an older one wherever there is a workload for
 * it. Of others that meet at some workloads alone, `differingProvider` tells for one of these.
 *
 * @param custom from the oldest on
 */
export function checkOneProvider(custom: readonly AuthorizationSourceObject[], root: Root): void {
  if (new Set(custom.map(providerOf)).size < 2) return;
  for (const [index, policy] of custom.entries()) {
    const older = custom.slice(0, index).find((one) => isOther(one, policy) && alwaysMeet(one, policy, root));
    if (older !== undefined) say(policy, older, 'error');
  }
}

/** Whether the policies of one workload ask more than one. What they ask about is then refused. */
export function hasSeveralProviders([first, ...others]: readonly AuthorizationSourceObject[], root: Root): boolean {
  const differing = first && others.find((other) => isOther(first, other));
  if (differing === undefined) return false;
  if (!alwaysMeet(first!, differing, root)) say(differing, first!, 'warning');
  return true;
}

function say({ place }: AuthorizationSourceObject, older: AuthorizationSourceObject, severity: 'error' | 'warning') {
  const message = `${older.place.reference} is for the same workload and asks "${providerOf(older)}"`;
  const hint =
    severity === 'error' ? 'a workload takes one provider' : 'a workload takes one provider: its requests are refused';
  place.at('spec', 'provider', 'name').unresolved(message, hint, severity);
}

function providerOf({ body }: AuthorizationSourceObject): string | undefined {
  return body.spec?.provider?.name;
}

function isOther(a: AuthorizationSourceObject, b: AuthorizationSourceObject): boolean {
  return providerOf(a) !== providerOf(b);
}

/** Whether every workload of the one is one of the other. */
function alwaysMeet(a: AuthorizationSourceObject, b: AuthorizationSourceObject, { rootNamespace }: Root): boolean {
  const isNear = a.namespace === b.namespace || [a.namespace, b.namespace].includes(rootNamespace);
  return isNear && (isWithin(selectorOf(a), selectorOf(b)) || isWithin(selectorOf(b), selectorOf(a)));
}

function isWithin(few: Labels, many: Labels): boolean {
  return Object.entries(few).every(([key, value]) => many[key] === value);
}
