import type { Clock } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { CertificateAuthority, maxLeafMs } from './authority.js';
import { FolderStore, MemoryStore } from './authority-store.js';
import { type CaOptions, defaultCaOptions } from './ca-options.js';
import { GivenSigner, holdsGivenAuthority } from './given-signer.js';
import { OwnSigner } from './own-signer.js';
import type { SignerSource } from './signer.js';

export interface AuthorityTools {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Wall clock, in ms. */
  readonly now: () => number;
}

/** @throws Error that says what is wrong with the folder, and how it is mended */
export async function openAuthority(options: CaOptions, tools: AuthorityTools): Promise<CertificateAuthority> {
  const trustDomain = options.trustDomain ?? defaultCaOptions.trustDomain;
  return new CertificateAuthority({ ...tools, trustDomain, source: await openSource(options, trustDomain, tools) });
}

async function openSource(
  { folder, phaseMs = maxLeafMs }: CaOptions,
  trustDomain: string,
  { logger, now }: AuthorityTools,
): Promise<SignerSource> {
  if (folder !== undefined && holdsGivenAuthority(folder)) return await GivenSigner.open({ folder, logger, now });
  const store = folder === undefined ? new MemoryStore() : new FolderStore(folder);
  const description = folder === undefined ? 'in memory' : `in ${folder}`;
  return await OwnSigner.open({ store, trustDomain, now, logger, phaseMs, description });
}
