/** What rules about identities are read by. */
export const identityFlags = {
  'trust-domain': { type: 'string' },
  'root-namespace': { type: 'string' },
} as const;

export const identityHelp = `  --trust-domain D     of the identities of workloads (cluster.local)
  --root-namespace NS  where the policies of the whole mesh stand (istio-system)`;

type Values = { readonly [Name in keyof typeof identityFlags]?: string | undefined };

export function readIdentityFlags(values: Values): { readonly trustDomain?: string; readonly rootNamespace?: string } {
  const { 'trust-domain': trustDomain, 'root-namespace': rootNamespace } = values;
  return { ...(trustDomain !== undefined && { trustDomain }), ...(rootNamespace !== undefined && { rootNamespace }) };
}
