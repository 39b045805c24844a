import type { X509Certificate } from 'node:crypto';
import { createPrivateKey, type KeyObject, type PrivateKeyInput } from 'node:crypto';
import type { Identity, WorkloadCertificate } from './identity.js';
import { parseCertificates } from './pem.js';
import { readSvid } from './svid.js';
import { verifyChain } from './verify-chain.js';

/** PEM texts that belong together, and what to call each of them in an error. */
export interface IdentityTexts {
  readonly certificate: NamedText;
  readonly key: NamedText;
  readonly authorities: NamedText;
  /** By the trust domain whose authorities they are. Default: none. */
  readonly federated?: ReadonlyMap<string, NamedText>;
}

export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** What an identity is made of, once it has been read. */
export interface IdentityParts {
  /** The leaf first, then intermediates. */
  readonly chain: readonly X509Certificate[];
  readonly key: KeyObject;
  readonly authorities: readonly X509Certificate[];
  /** By the trust domain whose authorities they are; its own may be among them, and does not count. */
  readonly federated: ReadonlyMap<string, readonly X509Certificate[]>;
  /** What to call them in an error. */
  readonly names: { readonly certificate: string; readonly key: string };
}

/**
 * Makes an identity of what was read, or of none of it.
 * @param now wall clock, in ms
 * @throws Error that names what is wrong, and has nothing of the key in it
 */
export function parseIdentity({ certificate, key, authorities, federated }: IdentityTexts, now: number): Identity {
  const parts: IdentityParts = {
    chain: certificatesOf(certificate),
    authorities: certificatesOf(authorities),
    key: keyOf(key.name, { key: key.text, format: 'pem' }),
    federated: new Map([...(federated ?? [])].map(([trustDomain, text]) => [trustDomain, certificatesOf(text)])),
    names: { certificate: certificate.name, key: key.name },
  };
  return makeIdentity(parts, now);
}

/** @param now wall clock, in ms @throws Error that names what is wrong */
export function makeIdentity({ chain, key, authorities, federated, names }: IdentityParts, now: number): Identity {
  if (!chain[0]!.checkPrivateKey(key)) throw new Error(`${names.key} is not the key of ${names.certificate}`);
  const certificate = certificateOf(chain, key, names.certificate);
  const refusal = verifyChain(chain, authorities, now);
  if (refusal !== undefined) throw new Error(`${names.certificate}: ${refusal.detail}`);
  const bundles = new Map([...federated].map(([trustDomain, list]) => [trustDomain, list.map(pemOf)]));
  bundles.delete(certificate.identity.trustDomain);
  return Object.freeze({
    certificate,
    bundles: new Map([[certificate.identity.trustDomain, authorities.map(pemOf)], ...bundles]),
  });
}

/** @throws Error that names the text and the block that is wrong */
export function certificatesOf({ name, text }: NamedText): X509Certificate[] {
  try {
    return parseCertificates(text);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}

/** OpenSSL's own message may quote what it could not read. */
export function keyOf(name: string, input: PrivateKeyInput): KeyObject {
  try {
    return createPrivateKey(input);
  } catch (error) {
    throw new Error(`${name} is no private key (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`);
  }
}

function certificateOf(chain: readonly X509Certificate[], key: KeyObject, name: string): WorkloadCertificate {
  const [leaf] = chain;
  const svid = readSvid(leaf!);
  if (!svid.ok) throw new Error(`${name}: ${svid.detail}`);
  return withHiddenKey(key, {
    certificateChain: chain.map(pemOf).join(''),
    identity: svid.identity,
    notBefore: Date.parse(leaf!.validFrom),
    notAfter: Date.parse(leaf!.validTo),
  });
}

/** Whoever prints an identity, or writes it as JSON, does not show the key. */
function withHiddenKey(key: KeyObject, shown: Omit<WorkloadCertificate, 'privateKey'>): WorkloadCertificate {
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const certificate = { ...shown, privateKey };
  return Object.freeze(Object.defineProperty(certificate, 'privateKey', { enumerable: false }));
}

function pemOf(certificate: X509Certificate): string {
  return certificate.toString();
}
