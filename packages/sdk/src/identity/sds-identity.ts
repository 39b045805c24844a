import type { ReceivedSecret, ReceivedSecrets } from '@inmesh/xds/client';
import type { Identity } from './identity.js';
import { certificatesOf, type NamedText, parseIdentity } from './parse-identity.js';
import { readSvid } from './svid.js';

interface Wanted {
  /** Names of the secrets. */
  readonly certificate: string;
  readonly authorities: string;
  /** For errors. */
  readonly source: string;
}

/**
 * What the secrets make together. Undefined while one of them has not come.
 * @param now wall clock, in ms
 * @throws Error that names what is wrong, and has nothing of the key in it
 */
export function readSecretIdentity(secrets: ReceivedSecrets, wanted: Wanted, now: number): Identity | undefined {
  const pair = secrets.get(wanted.certificate);
  const trust = secrets.get(wanted.authorities);
  if (pair !== undefined && pair.kind !== 'certificate') throw unexpected(wanted.certificate, 'a certificate', wanted);
  if (trust?.kind === 'certificate') throw unexpected(wanted.authorities, 'authorities', wanted);
  if (pair === undefined || trust === undefined) return undefined;
  const named = (what: string, text: string) => ({ name: `${what} of ${wanted.source}`, text });
  const certificate = named('the certificate', pair.chain);
  const { own, others } = authoritiesOf(trust, certificate, wanted);
  const texts = {
    ...{ certificate, key: named('the key', pair.key), authorities: named('the authorities', own) },
    federated: new Map([...others].map(([domain, text]) => [domain, named(`the authorities of ${domain}`, text)])),
  };
  return parseIdentity(texts, now);
}

function authoritiesOf(
  trust: Exclude<ReceivedSecret, { kind: 'certificate' }>,
  certificate: NamedText,
  { authorities, source }: Wanted,
): { readonly own: string; readonly others: ReadonlyMap<string, string> } {
  if (trust.kind === 'authorities') return { own: trust.text, others: new Map() };
  const trustDomain = trustDomainOf(certificate);
  const own = trust.texts.get(trustDomain);
  if (own === undefined) throw new Error(`${authorities} of ${source} has no authorities of ${trustDomain}`);
  return { own, others: trust.texts };
}

function trustDomainOf(certificate: NamedText): string {
  const [leaf] = certificatesOf(certificate);
  const svid = readSvid(leaf!);
  if (!svid.ok) throw new Error(`${certificate.name}: ${svid.detail}`);
  return svid.identity.trustDomain;
}

function unexpected(name: string, wanted: string, { source }: Wanted): Error {
  return new Error(`${name} of ${source} is not ${wanted}`);
}
