import type { ClientIdentity } from '@inmesh/xds/client';
import type { IdentitySource } from './identity.js';

/** What of it the config server is shown. Undefined: there is nothing yet. */
export function clientIdentity(source: IdentitySource | undefined): ClientIdentity | undefined {
  const { certificate, bundles } = source?.current ?? {};
  if (certificate === undefined) return undefined;
  // The config server is of the workload's own trust domain.
  const roots = bundles?.get(certificate.identity.trustDomain) ?? [];
  return { chain: certificate.certificateChain, key: certificate.privateKey, roots: roots.join('\n') };
}
