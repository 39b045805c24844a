/** A `when` key of an AuthorizationPolicy, read. */
export type ConditionKey =
  | { readonly kind: 'destinationIp' | 'destinationPort' | 'serverName' }
  | { readonly kind: 'sourceIp' | 'remoteIp' | 'sourceNamespace' | 'sourcePrincipal' | 'sourceServiceAccount' }
  | { readonly kind: 'requestPrincipal' }
  | { readonly kind: 'header'; readonly name: string }
  /** From the claims downwards. */
  | { readonly kind: 'claim'; readonly path: readonly string[] };

type KeyResult =
  | { readonly ok: true; readonly key: ConditionKey }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

const plainKeys: Readonly<Record<string, ConditionKey>> = {
  'destination.ip': { kind: 'destinationIp' },
  'destination.port': { kind: 'destinationPort' },
  'connection.sni': { kind: 'serverName' },
  'source.ip': { kind: 'sourceIp' },
  'remote.ip': { kind: 'remoteIp' },
  'source.namespace': { kind: 'sourceNamespace' },
  'source.principal': { kind: 'sourcePrincipal' },
  'source.serviceAccount': { kind: 'sourceServiceAccount' },
  'request.auth.principal': { kind: 'requestPrincipal' },
  'request.auth.audiences': { kind: 'claim', path: ['aud'] },
  'request.auth.presenter': { kind: 'claim', path: ['azp'] },
};

const keysInBrackets = ['request.headers[NAME]', 'request.auth.claims[NAME]'];

/** The keys that a condition may have, for hints and the documentation. */
export const conditionKeys: readonly string[] = [...Object.keys(plainKeys), ...keysInBrackets];

const replacedKeys: Readonly<Record<string, string>> = {
  'destination.namespace': 'use metadata.namespace',
  'destination.labels': 'use selector.matchLabels',
  'destination.name': 'use selector.matchLabels',
  'destination.user': 'use selector.matchLabels',
};

/** Istio `ValidateAttribute`, and Istio's own filters are refused: there is no proxy that has them. */
export function readConditionKey(key: string): KeyResult {
  const plain = Object.hasOwn(plainKeys, key) ? plainKeys[key] : undefined;
  if (plain !== undefined) return { ok: true, key: plain };
  const [, before = key, inside = ''] = /^([^[]*)((?:\[[^[\]]+\])+)$/.exec(key) ?? [];
  const names = [...inside.matchAll(/\[([^\]]+)\]/g)].map(([, name = '']) => name);
  const [first] = names;
  if (before === 'request.headers' && first !== undefined && names.length === 1) {
    return { ok: true, key: { kind: 'header', name: first.toLowerCase() } };
  }
  if (before === 'request.auth.claims' && first !== undefined) return { ok: true, key: { kind: 'claim', path: names } };
  return { ok: false, ...whyRefused(key, before) };
}

function whyRefused(key: string, before: string): { message: string; hint?: string } {
  if (key.startsWith('experimental.')) {
    return { message: `"${key}" is not supported: it reads what a filter of a proxy leaves behind` };
  }
  const instead = Object.hasOwn(replacedKeys, before) ? replacedKeys[before] : undefined;
  if (instead !== undefined) return { message: `"${before}" is no condition of this API`, hint: instead };
  return { message: `"${key}" is no condition`, hint: `known: ${conditionKeys.join(', ')}` };
}
