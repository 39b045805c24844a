import type { Clock, Random } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { type AuthorityLocation, openAuthorityIdentity } from './authority-location.js';
import { FileIdentity } from './file-identity.js';
import type { IdentitySource } from './identity.js';
import type { IdentityLocation } from './identity-files.js';

/** Where this workload's certificate comes from. */
export type IdentityOption = IdentityLocation | AuthorityLocation | IdentitySource;

/**
 * Opens the identity of this process; it has been looked at once.
 * @throws MeshError `invalid_request` where it must not be used as it is, e.g. a key that others may read
 */
export async function openIdentity(
  option: IdentityOption | undefined,
  options: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<IdentitySource | undefined> {
  if (option === undefined) return undefined;
  if (isSource(option)) {
    option.start();
    return option;
  }
  if (isAuthority(option)) return await openAuthorityIdentity(option, options);
  const files = new FileIdentity(option, options);
  await files.open();
  files.start();
  return files;
}

function isSource(option: IdentityOption): option is IdentitySource {
  return typeof option === 'object' && 'onChange' in option;
}

function isAuthority(option: IdentityOption): option is AuthorityLocation {
  return typeof option === 'object' && 'authority' in option;
}

export interface IdentityStatus {
  /** Where it comes from. */
  readonly source: string;
  /** Undefined: there is none. */
  readonly spiffeId: string | undefined;
  /** ISO 8601. */
  readonly expiresAt: string | undefined;
  /** Trust domains whose certificates are taken. */
  readonly trustDomains: readonly string[];
  /** Why there is no newer one; undefined while all is well. */
  readonly problem: string | undefined;
}

export function identityStatus(source: IdentitySource | undefined): IdentityStatus | undefined {
  if (source === undefined) return undefined;
  const { description, current, problem } = source;
  const certificate = current?.certificate;
  return {
    source: description,
    spiffeId: certificate?.identity.spiffeId,
    expiresAt: certificate && new Date(certificate.notAfter).toISOString(),
    trustDomains: [...(current?.bundles.keys() ?? [])],
    problem,
  };
}
