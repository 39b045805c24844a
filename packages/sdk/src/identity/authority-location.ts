import type { Clock, Random } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { CsrIdentity } from './csr-source.js';
import { openWaitMs } from './first-answer.js';
import { readToken } from './read-token.js';
import { readRegularFileSync } from './regular-file.js';

/** What proves who this workload is: a file with a token, read for each request, or the token itself. */
export type TokenLocation = { readonly file: string } | { readonly text: string };

/** A certificate authority that this workload asks for its certificate: inmesh's config server, or an istiod. */
export interface AuthorityLocation {
  /** `host:port` */
  readonly authority: string;
  /** A file with the PEM of its roots. */
  readonly roots: string;
  readonly token?: TokenLocation;
  /** What the certificate is to be for. Default: what the authority knows of the caller. */
  readonly spiffeId?: string;
}

const timeoutMs = 10_000;

/** An identity that has been asked for once. */
export async function openAuthorityIdentity(
  location: AuthorityLocation,
  options: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<CsrIdentity> {
  const { authority, roots, token, spiffeId } = location;
  // The messages take a while to load, so only who needs them does.
  const { requestCertificate } = await import('@inmesh/xds/client');
  const source = new CsrIdentity({
    ...options,
    ...{ description: `authority ${authority}`, spiffeId },
    readToken: () => readToken(token),
    ask: (csr, credentials, known) => {
      const trusted = [readRegularFileSync(roots), ...known].join('\n');
      return requestCertificate({ authority, roots: trusted, credentials, csr, timeoutMs });
    },
  });
  await source.open(openWaitMs);
  return source;
}
