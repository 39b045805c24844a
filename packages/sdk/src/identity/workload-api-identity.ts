import type { X509Certificate } from 'node:crypto';
import { parseSpiffeId } from '@inmesh/core';
import type { X509SVID, X509SVIDResponse } from '@inmesh/xds/client';
import { parseDerCertificates } from './der-certificates.js';
import type { Identity } from './identity.js';
import { keyOf, makeIdentity } from './parse-identity.js';

/**
 * The default identity of an answer, which is its first (SPIFFE_Workload_API.md 5.3), and all authorities that it names.
 * Answers are whole: a domain that is not in it is not trusted any more (4.4). Revocation lists are not read.
 * @param source for errors @param now wall clock, in ms
 * @throws Error that names what is wrong, and has nothing of the key in it
 */
export function readWorkloadIdentity(response: X509SVIDResponse, source: string, now: number): Identity {
  const { svids, federatedBundles } = response;
  const [first] = svids;
  if (first === undefined) throw new Error(`${source} has sent no SVID`);
  for (const svid of svids) checkWhole(svid, source);
  const name = (what: string) => `${what} of ${first.spiffeId} from ${source}`;
  const identity = makeIdentity(
    {
      chain: certificatesOf(first.x509Svid, name('the certificate')),
      key: keyOf(name('the key'), { key: Buffer.from(first.x509SvidKey), format: 'der', type: 'pkcs8' }),
      authorities: certificatesOf(first.bundle, name('the bundle')),
      federated: new Map([...bundlesOf(svids.slice(1), source), ...federatedOf(federatedBundles, source)]),
      names: { certificate: name('the certificate'), key: name('the key') },
    },
    now,
  );
  const { spiffeId } = identity.certificate!.identity;
  if (spiffeId !== first.spiffeId) throw new Error(`${name('the certificate')} is that of ${spiffeId}`);
  return identity;
}

/** A message without what is mandatory is to be discarded (SPIFFE_Workload_API.md 4.5). */
function checkWhole({ spiffeId, x509Svid, x509SvidKey, bundle }: X509SVID, source: string): void {
  const missing = Object.entries({ x509_svid: x509Svid, x509_svid_key: x509SvidKey, bundle })
    .filter(([, bytes]) => bytes.length === 0)
    .map(([field]) => field);
  if (spiffeId === '') missing.unshift('spiffe_id');
  if (missing.length > 0) throw new Error(`${source} has sent an SVID ${spiffeId} without ${missing.join(', ')}`);
}

/** The workload may have identities of several trust domains, and trusts each of them. */
function bundlesOf(svids: readonly X509SVID[], source: string): [string, X509Certificate[]][] {
  return svids.map(({ spiffeId, bundle }) => [
    trustDomainOf(spiffeId, source),
    certificatesOf(bundle, `the bundle of ${spiffeId} from ${source}`),
  ]);
}

function federatedOf(bundles: X509SVIDResponse['federatedBundles'], source: string): [string, X509Certificate[]][] {
  // A domain may have authorities for tokens alone.
  const filled = Object.entries(bundles).filter(([, bundle]) => bundle.length > 0);
  return filled.map(([domain, bundle]) => [
    trustDomainOf(domain, source),
    certificatesOf(bundle, `the federated bundle ${domain} from ${source}`),
  ]);
}

function trustDomainOf(spiffeId: string, source: string): string {
  const parsed = parseSpiffeId(spiffeId);
  if (parsed.ok) return parsed.identity.trustDomain;
  throw new Error(`${source} has sent the name ${JSON.stringify(spiffeId)}, which ${parsed.reason}`);
}

function certificatesOf(der: Uint8Array, name: string): X509Certificate[] {
  try {
    return parseDerCertificates(der);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}
