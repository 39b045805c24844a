/** The gateway of calls within the mesh. */
export const mesh = 'mesh';

/**
 * `namespace/name` of the Gateway that a VirtualService means by `name`, `namespace/name` or `name.namespace.svc...`
 * (Istio `ResolveGatewayName`).
 */
export function gatewayKey(written: string, namespace: string): string {
  if (written === mesh || written.includes('/')) return written;
  const [name, ofNamespace = namespace] = written.split('.');
  return `${ofNamespace}/${name}`;
}
