import type { Clock, Random } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { type AuthorityLocation, openAuthorityIdentity } from './authority-location.js';
import { FederatedIdentity, type Federation } from './federated-identity.js';
import { FileIdentity } from './file-identity.js';
import type { IdentitySource } from './identity.js';
import type { IdentityFiles, IdentityLocation } from './identity-files.js';
import { openSecrets, type SecretsLocation } from './sds-source.js';
import { openWorkloadApi, type WorkloadApiLocation } from './workload-api-source.js';

/** A folder with files of well-known names. */
export interface IdentityFolderLocation {
  readonly folder: string;
}

/** One of the places where identities come from. */
export type IdentityPlace =
  | IdentityFolderLocation
  | IdentityFiles
  | AuthorityLocation
  | SecretsLocation
  | WorkloadApiLocation;

/** Where this workload's certificate comes from: a folder, a place, what the environment names, or a source of one's own. */
export type IdentityOption = string | (IdentityPlace & Federation) | Federation | IdentitySource;

/** What is left of an option once the environment has been asked. */
export type FoundIdentity = Exclude<IdentityOption, Federation> | (IdentityPlace & Federation);

export interface OpenIdentityOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly nodeId: string;
}

/**
 * Opens the identity of this process; it has been looked at once.
 * @throws MeshError `invalid_request` where it must not be used as it is, e.g. a key that others may read
 */
export async function openIdentity(
  found: FoundIdentity | undefined,
  options: OpenIdentityOptions,
): Promise<IdentitySource | undefined> {
  if (found === undefined) return undefined;
  if (typeof found === 'string') return await openFiles(found, options);
  if ('onChange' in found) {
    found.start();
    return found;
  }
  const source = await openPlace(found, options);
  if (found.federated === undefined) return source;
  const federated = new FederatedIdentity(source, found.federated, options);
  await federated.open();
  federated.start();
  return federated;
}

async function openPlace(place: IdentityPlace, options: OpenIdentityOptions): Promise<IdentitySource> {
  if ('authority' in place) return await openAuthorityIdentity(place, options);
  if ('workloadApi' in place) return await openWorkloadApi(place, options);
  if ('sds' in place) return await openSecrets(place, options);
  return await openFiles('folder' in place ? place.folder : place, options);
}

async function openFiles(location: IdentityLocation, options: OpenIdentityOptions): Promise<IdentitySource> {
  const files = new FileIdentity(location, options);
  await files.open();
  files.start();
  return files;
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
