import { execFileSync } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeerIdentity, parseSpiffeId } from '@inmesh/core';
import {
  type Extension,
  type JsonGeneralNames,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';

/** Taken away by `close`. */
export class TemporaryFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'inmesh-ca-'));

  write(name: string, content: string, mode = 0o600): string {
    const path = join(this.path, name);
    writeFileSync(path, content, { mode });
    return path;
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function identityOf(spiffeId: string): PeerIdentity {
  const parsed = parseSpiffeId(spiffeId);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.identity;
}

export type KeyKind = webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams | { readonly name: 'Ed25519' };
export const p256: KeyKind = { name: 'ECDSA', namedCurve: 'P-256' };

export function rsa(modulusLength: number): KeyKind {
  return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength, publicExponent: new Uint8Array([1, 0, 1]) };
}

/** What somebody could ask for. */
export async function makeCsr(
  names: JsonGeneralNames = [],
  { kind = p256, extensions = [] }: { kind?: KeyKind; extensions?: Extension[] } = {},
): Promise<{ csr: string; keys: webcrypto.CryptoKeyPair }> {
  const keys = (await webcrypto.subtle.generateKey(kind, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const wanted = names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : [];
  const signingAlgorithm = { name: kind.name, hash: 'SHA-256' };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=anybody',
    ...{ keys, signingAlgorithm, extensions: [...wanted, ...extensions] },
  });
  return { csr: request.toString('pem'), keys };
}

export async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  const lines = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN PRIVATE KEY-----\n${lines!.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

/** What OpenSSL says. @throws Error with its complaint */
export function openssl(args: readonly string[], input = ''): string {
  return execFileSync('openssl', args, { input, encoding: 'utf8', stdio: 'pipe' });
}

/** Whether OpenSSL takes the leaf for one of these roots at that time. */
export function opensslVerify(
  { chain, roots }: { chain: readonly string[]; roots: readonly string[] },
  atMs: number,
  purpose: 'sslserver' | 'sslclient' = 'sslclient',
): boolean {
  const folder = new TemporaryFolder();
  try {
    const [leaf, ...intermediates] = chain;
    const args = ['-purpose', purpose, '-x509_strict', '-attime', String(Math.floor(atMs / 1000))];
    const files = [
      ...['-CAfile', folder.write('roots.pem', roots.join(''))],
      ...(intermediates.length > 0 ? ['-untrusted', folder.write('chain.pem', intermediates.join(''))] : []),
    ];
    openssl(['verify', ...args, ...files, folder.write('leaf.pem', leaf!)]);
    return true;
  } catch {
    return false;
  } finally {
    folder.close();
  }
}
