import type { InboundChain, InboundFilter, MeshResources, Permission, Principal, RbacRules } from '@inmesh/core';

const any = { kind: 'any' } as const;

/** The inbound listener of one chain for plain text on every port. */
export function plaintextListener(
  filters: readonly InboundFilter[],
  chain: Partial<InboundChain> = {},
): Pick<MeshResources, 'inbound'> {
  const chains: InboundChain[] = [
    { port: 0, transport: 'plaintext', clientCertificate: 'optional', filters, ...chain },
  ];
  return { inbound: { name: 'virtualInbound', chains } };
}

export function rbac(
  action: RbacRules['action'],
  permission: Permission = any,
  { principal = any, shadow = false, name = 'p' }: { principal?: Principal; shadow?: boolean; name?: string } = {},
): InboundFilter {
  return {
    kind: 'rbac',
    shadow,
    rules: { action, policies: [{ name, permissions: [permission], principals: [principal] }] },
  };
}

export function path(value: string, kind: 'exact' | 'prefix' = 'exact'): Permission {
  return { kind: 'path', matcher: { kind, value, ignoreCase: false } };
}

export function header(name: string, value: string): Permission {
  const matcher = { kind: 'exact', value, ignoreCase: name === ':authority' } as const;
  return {
    kind: 'header',
    matcher: { name, test: { kind: 'string', matcher }, invert: false, treatMissingAsEmpty: false },
  };
}
