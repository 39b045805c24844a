import type { ResourceType } from '../client/objects.js';
import { resourceName } from '../client/objects.js';
import type { KubernetesProblem } from '../client/problem.js';
import { missingRule } from '../rbac-rule.js';

/** Why objects of a kind are not known, or not known as they are now. */
export interface ReflectorProblem {
  /** `defect`: ours, or an object that nobody has thought of. */
  readonly kind: KubernetesProblem['kind'] | 'silent' | 'defect';
  readonly message: string;
  /** What mends it, where that is known. */
  readonly hint?: string;
}

export function reflectorProblem(
  problem: Pick<KubernetesProblem, 'message'> & { readonly kind: ReflectorProblem['kind'] },
  verb: 'list' | 'watch',
  type: ResourceType,
  namespace: string | undefined,
): ReflectorProblem {
  const within = namespace === undefined ? '' : ` in namespace ${namespace}`;
  const what = `${verb} ${resourceName(type)}${within}`;
  switch (problem.kind) {
    case 'forbidden': {
      const hint = missingRule(type, ['get', 'list', 'watch'], { namespace });
      return { kind: 'forbidden', message: `not allowed to ${what}`, hint };
    }
    case 'unauthorized':
      return { kind: 'unauthorized', message: `the API server does not know who asks to ${what}` };
    default:
      return { kind: problem.kind, message: `cannot ${what}: ${problem.message}` };
  }
}

/** These pass by themselves as a rule, so they are told when they last. */
export function isPassing({ kind }: ReflectorProblem): boolean {
  return kind === 'unreachable' || kind === 'timeout' || kind === 'busy' || kind === 'gone' || kind === 'silent';
}
