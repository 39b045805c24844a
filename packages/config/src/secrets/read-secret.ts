import type { KeyObject, X509Certificate } from 'node:crypto';
import type { FieldPath } from '../objects.js';
import type { Secret } from '../schema/secret.js';
import { hasRevocationList, type PemResult, readCertificates, readPrivateKey } from './pem.js';
import type { Problem } from './problem.js';
import { hasValue, readValue } from './secret-values.js';

/** What a Secret has for TLS, in PEM. */
export interface SecretContent {
  readonly keyPair?: { readonly chain: Uint8Array; readonly key: Uint8Array } | undefined;
  readonly authorities?: { readonly certificates: Uint8Array; readonly revoked: Uint8Array | undefined } | undefined;
  /** Errors leave out what they are about. */
  readonly problems: readonly Problem[];
  readonly validity: readonly Validity[];
}

/** When a certificate may be used. */
export interface Validity {
  readonly path: FieldPath;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where Istio looks, in its order: generic Secrets have their names from before there was a type for them. */
const pairNames = [
  ['cert', 'key'],
  ['tls.crt', 'tls.key'],
] as const;
const authorityNames = ['cacert', 'ca.crt'] as const;
const revocationNames = ['crl', 'ca.crl'] as const;

/** Of Kubernetes and of tools, for other things than TLS. */
const otherTypes = /^(kubernetes\.io\/(?!tls$)|bootstrap\.kubernetes\.io\/|helm\.sh\/)/;

/** As it is named, a Secret of nothing but authorities (Istio's rule). */
export function isForAuthorities(name: string): boolean {
  return name.endsWith('-cacert');
}

/** Reads what a Secret has for TLS; of other Secrets no value is looked at. */
export function readSecret(name: string, secret: Secret): SecretContent {
  const reader = new Reader(secret);
  if (!otherTypes.test(secret.type ?? '')) reader.read(isForAuthorities(name));
  return reader;
}

class Reader implements SecretContent {
  keyPair: SecretContent['keyPair'];
  authorities: SecretContent['authorities'];
  readonly problems: Problem[] = [];
  readonly validity: Validity[] = [];

  constructor(private readonly secret: Secret) {}

  read(isForAuthorities: boolean): void {
    if (this.secret.sops !== undefined) {
      const names = [...pairNames.flat(), ...authorityNames];
      const isMeant = names.some((name) => hasValue(this.secret, name));
      if (isMeant) this.#say('warning', ['sops'], 'is encrypted: its certificates are not served');
      return;
    }
    if (!isForAuthorities) {
      const pair = pairNames.find((names) => names.every((name) => hasValue(this.secret, name)));
      if (pair === undefined) this.#sayIncomplete();
      else this.#readPair(pair[0], pair[1]);
    }
    this.#readAuthorities();
  }

  #readPair(chainName: string, keyName: string): void {
    const chain = this.#value(chainName, readCertificates);
    const key = this.#value(keyName, readPrivateKey);
    if (chain === undefined || key === undefined) return;
    this.#noteValidity(chain.path, chain.parsed);
    if (!chain.parsed[0]!.checkPrivateKey(key.parsed)) {
      this.#say(
        'error',
        key.path,
        `is not the key of the certificate in ${chainName}`,
        leafFirst(chain.parsed, key.parsed),
      );
    } else this.keyPair = { chain: chain.bytes, key: key.bytes };
  }

  #readAuthorities(): void {
    const name = authorityNames.find((candidate) => hasValue(this.secret, candidate));
    if (name === undefined) return;
    const found = this.#value(name, readCertificates);
    const listName = revocationNames.find((candidate) => hasValue(this.secret, candidate));
    const list = listName === undefined ? undefined : this.#value(listName, readRevocationList);
    // Without its list, what was revoked would be trusted.
    if (found === undefined || (listName !== undefined && list === undefined)) return;
    this.#noteValidity(found.path, found.parsed);
    this.authorities = { certificates: found.bytes, revoked: list?.bytes };
  }

  /** `key` alone may be anything. */
  #sayIncomplete(): void {
    const isTls = this.secret.type === 'kubernetes.io/tls';
    for (const [chain, key] of pairNames) {
      const [hasChain, hasKey] = [hasValue(this.secret, chain), hasValue(this.secret, key)];
      const counts = isTls ? chain === 'tls.crt' : hasChain || (hasKey && key === 'tls.key');
      if (!counts) continue;
      const missing = hasChain ? key : chain;
      if (isTls) this.#say('error', ['data', missing], 'is missing or empty');
      else this.#say('warning', ['data', missing], 'is missing: there is no certificate to serve');
    }
  }

  #value<Parsed>(name: string, parse: (bytes: Uint8Array) => PemResult<Parsed>) {
    const found = readValue(this.secret, name);
    if (found.kind === 'absent') return undefined;
    if (found.kind === 'broken') {
      this.problems.push(found.problem);
      return undefined;
    }
    const { path, bytes } = found.value;
    const result = parse(bytes);
    if (result.ok) return { path, bytes, parsed: result.value };
    this.#say('error', path, result.message, result.hint);
    return undefined;
  }

  #noteValidity(path: FieldPath, certificates: readonly X509Certificate[]): void {
    for (const { validFrom, validTo } of certificates) {
      this.validity.push({ path, fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) });
    }
  }

  #say(severity: Problem['severity'], path: FieldPath, message: string, hint?: string): void {
    this.problems.push({ severity, path, message, hint });
  }
}

function leafFirst(chain: readonly X509Certificate[], key: KeyObject): string | undefined {
  return chain.some((certificate) => certificate.checkPrivateKey(key))
    ? 'its certificate should come first'
    : undefined;
}

function readRevocationList(bytes: Uint8Array): PemResult<undefined> {
  if (hasRevocationList(bytes)) return { ok: true, value: undefined };
  return { ok: false, message: 'has no revocation list in PEM' };
}
