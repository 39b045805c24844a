import type { X509Certificate } from 'node:crypto';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Identity, WorkloadCertificate } from './identity.js';
import { parseCertificates } from './pem.js';
import { readSvid } from './svid.js';
import { verifyChain } from './verify-chain.js';

/** PEM texts that belong together, and what to call each of them in an error. */
export interface IdentityTexts {
  readonly certificate: NamedText;
  readonly key: NamedText;
  readonly authorities: NamedText;
  /** By the trust domain whose authorities they are. */
  readonly federated: ReadonlyMap<string, NamedText>;
}

export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/**
 * Makes an identity of what was read, or of none of it.
 * @param now wall clock, in ms
 * @throws Error that names what is wrong, and has nothing of the key in it
 */
export function parseIdentity({ certificate, key, authorities, federated }: IdentityTexts, now: number): Identity {
  const chain = certificatesOf(certificate);
  const bundle = certificatesOf(authorities);
  const privateKey = keyOf(key);
  if (!chain[0]!.checkPrivateKey(privateKey)) throw new Error(`${key.name} is not the key of ${certificate.name}`);
  const own = certificateOf(chain, privateKey, certificate.name);
  const refusal = verifyChain(chain, bundle, now);
  if (refusal !== undefined) throw new Error(`${certificate.name}: ${refusal.detail}`);
  const bundles = new Map([[own.identity.trustDomain, bundle.map(pemOf)]]);
  for (const [trustDomain, text] of federated) bundles.set(trustDomain, certificatesOf(text).map(pemOf));
  return Object.freeze({ certificate: own, bundles });
}

function certificatesOf({ name, text }: NamedText): X509Certificate[] {
  try {
    return parseCertificates(text);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}

/** OpenSSL's own message may quote what it could not read. */
function keyOf({ name, text }: NamedText): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw new Error(`${name} is no private key (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`);
  }
}

function certificateOf(chain: readonly X509Certificate[], key: KeyObject, name: string): WorkloadCertificate {
  const [leaf] = chain;
  const svid = readSvid(leaf!);
  if (!svid.ok) throw new Error(`${name}: ${svid.detail}`);
  return Object.freeze({
    certificateChain: chain.map(pemOf).join(''),
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    identity: svid.identity,
    notBefore: Date.parse(leaf!.validFrom),
    notAfter: Date.parse(leaf!.validTo),
  });
}

function pemOf(certificate: X509Certificate): string {
  return certificate.toString();
}
