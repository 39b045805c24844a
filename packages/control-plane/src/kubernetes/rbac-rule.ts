import type { ResourceType } from './client/objects.js';

/** What is to be added to which role, so that these verbs are allowed. */
export function missingRule(
  { group, plural }: Pick<ResourceType, 'group' | 'plural'>,
  verbs: readonly string[],
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined } = {},
): string {
  const role = namespace === undefined ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  const rule = { apiGroups: [group], resources: [plural], ...(name && { resourceNames: [name] }), verbs };
  return `bind the service account to ${role} with the rule ${JSON.stringify(rule)}`;
}
