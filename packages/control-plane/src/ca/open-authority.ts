import type { Clock } from '@inmesh/core';
import type { KubernetesClient } from '../kubernetes/client/client.js';
import type { Logger } from '../logger.js';
import { CertificateAuthority, maxLeafMs } from './authority.js';
import { type AuthorityStore, FolderStore, MemoryStore } from './authority-store.js';
import { type CaOptions, defaultCaOptions } from './ca-options.js';
import { GivenSigner, holdsGivenAuthority } from './given-signer.js';
import { keepTrying, type Patience } from './keep-trying.js';
import { OwnSigner } from './own-signer.js';
import { SecretStore } from './secret-store.js';
import type { SignerSource } from './signer.js';

export interface AuthorityTools {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Wall clock, in ms. */
  readonly now: () => number;
  /** For the options that need an API server. */
  readonly kubernetes?: KubernetesClient | undefined;
}

/**
 * @param patience of who waits while the API server with the Secret is away
 * @throws Error that says what is wrong with the folder or the Secret, and how it is mended
 */
export async function openAuthority(
  options: CaOptions,
  tools: AuthorityTools,
  patience?: Patience,
): Promise<CertificateAuthority> {
  const trustDomain = options.trustDomain ?? defaultCaOptions.trustDomain;
  const open = () => openSource(options, trustDomain, tools);
  const source = await (patience === undefined ? open() : keepTrying(open, patience, tools));
  return new CertificateAuthority({ ...tools, trustDomain, source });
}

async function openSource(options: CaOptions, trustDomain: string, tools: AuthorityTools): Promise<SignerSource> {
  const { folder, phaseMs = maxLeafMs } = options;
  const { logger, now } = tools;
  if (folder !== undefined && holdsGivenAuthority(folder)) return await GivenSigner.open({ folder, logger, now });
  return await OwnSigner.open({ ...openStore(options, tools), trustDomain, now, logger, phaseMs });
}

function openStore({ folder, secret }: CaOptions, { kubernetes }: AuthorityTools): KeptIn {
  if (secret !== undefined) {
    if (folder !== undefined) throw new Error('ca.folder and ca.secret: the keys are kept in one of them, so give one');
    if (kubernetes === undefined) throw new Error('ca.secret needs a Kubernetes cluster, and none is known');
    const store = new SecretStore(kubernetes, secret);
    return { store, description: `in the Secret ${secret.namespace}/${secret.name}` };
  }
  return folder === undefined
    ? { store: new MemoryStore(), description: 'in memory' }
    : { store: new FolderStore(folder), description: `in ${folder}` };
}

interface KeptIn {
  readonly store: AuthorityStore;
  /** For logs. */
  readonly description: string;
}
