import { existsSync, readFileSync } from 'node:fs';
import type { Clock, Random } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { CsrIdentity } from './csr-source.js';

/** A certificate authority that this workload asks for its certificate: inmesh's config server, or an istiod. */
export interface AuthorityLocation {
  /** `host:port` */
  readonly authority: string;
  /** A file with the PEM of its roots. */
  readonly roots: string;
  /** What proves who this workload is: a file with a token, read for each request, or the token itself. */
  readonly token?: { readonly file: string } | { readonly text: string };
  /** What the certificate is to be for. Default: what the authority knows of the caller. */
  readonly spiffeId?: string;
}

/** How long a mesh waits for its first certificate before it begins without one. */
const openWaitMs = 2000;
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
      const trusted = [readFileSync(roots, 'utf8'), ...known].join('\n');
      return requestCertificate({ authority, roots: trusted, credentials, csr, timeoutMs });
    },
  });
  await source.open(openWaitMs);
  return source;
}

/**
 * INMESH_CA, INMESH_CA_ROOTS, and INMESH_CA_TOKEN_FILE or INMESH_CA_TOKEN, in which `{namespace}` and `{serviceAccount}` stand
 * for the workload's. Undefined: none is named.
 */
export function authorityOf(
  variables: Readonly<Record<string, string | undefined>>,
  workload: { readonly namespace: string; readonly serviceAccount: string },
): AuthorityLocation | undefined {
  const { INMESH_CA: authority, INMESH_CA_ROOTS: roots, INMESH_CA_TOKEN: text, INMESH_CA_TOKEN_FILE: file } = variables;
  if (!authority || !roots) return undefined;
  if (file) return { authority, roots, token: { file } };
  if (!text) return { authority, roots };
  const { namespace, serviceAccount } = workload;
  const filled = text.replaceAll('{namespace}', namespace).replaceAll('{serviceAccount}', serviceAccount);
  return { authority, roots, token: { text: filled } };
}

function readToken(token: AuthorityLocation['token']): string | undefined {
  if (token === undefined) return undefined;
  if ('text' in token) return token.text;
  return existsSync(token.file) ? readFileSync(token.file, 'utf8').trim() || undefined : undefined;
}
