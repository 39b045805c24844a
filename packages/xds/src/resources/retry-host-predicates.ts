import { PreviousHostsPredicateSchema, type RetryPolicy_RetryHostPredicate } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { anyIs } from './unpack-any.js';

/** What Envoy's predicate is called where it comes without a configuration. */
const previousHosts = 'envoy.retry_host_predicates.previous_hosts';

/** Whether one of the predicates turns down hosts that were tried before, the only one there is here. */
export function avoidsPreviousHosts(predicates: readonly RetryPolicy_RetryHostPredicate[], at: FieldScope): boolean {
  const known = at.each('retry_host_predicate', predicates, (predicate, scope) => {
    if (isPreviousHosts(predicate)) return true;
    return scope.warn(`"${predicate.name}" is ignored: only hosts that were tried before can be avoided`);
  });
  return known.length > 0;
}

function isPreviousHosts({ name, configType }: RetryPolicy_RetryHostPredicate): boolean {
  return configType.value ? anyIs(configType.value, PreviousHostsPredicateSchema) : name === previousHosts;
}
