import { webcrypto } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const idOf = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;
export const idOfBackend = idOf('reviews');

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

/** Identities for one run, of one authority. Returns the folder: whoever calls removes it. */
export async function makeIdentities(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-bench-'));
  const keys = await newKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=bench',
    keys,
    signingAlgorithm: algorithm,
    notAfter: inAnHour(),
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  });
  for (const name of ['client', 'reviews']) await writeIdentity(join(folder, name), name, root, keys.privateKey);
  return folder;
}

async function writeIdentity(
  folder: string,
  name: string,
  root: X509Certificate,
  signingKey: webcrypto.CryptoKey,
): Promise<void> {
  const keys = await newKeys();
  const leaf = await X509CertificateGenerator.create({
    subject: '',
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    notAfter: inAnHour(),
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: idOf(name) }], true),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  mkdirSync(folder);
  writeFileSync(join(folder, 'cert-chain.pem'), leaf.toString('pem'));
  writeFileSync(join(folder, 'root-cert.pem'), root.toString('pem'));
  writeFileSync(join(folder, 'key.pem'), `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, {
    mode: 0o600,
  });
}

function inAnHour(): Date {
  return new Date(Date.now() + 3_600_000);
}
