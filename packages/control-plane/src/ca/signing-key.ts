import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';

export type SigningAlgorithm = { readonly name: string; readonly hash?: string };

/** A private key that signs certificates. */
export interface SigningKey {
  readonly key: webcrypto.CryptoKey;
  readonly algorithm: SigningAlgorithm;
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' };

/** A new P-256 key: PEM, PKCS #8, and its public half as SPKI. */
export async function makeKey(): Promise<{ readonly key: string; readonly publicKey: Uint8Array<ArrayBuffer> }> {
  const pair = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return { key: key.toString(), publicKey: new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey)) };
}

/** @throws Error that says what is wrong with it, and shows nothing of it */
export async function readSigningKey(pem: string): Promise<SigningKey> {
  const object = readPrivateKey(pem);
  const { algorithm, parameters } = algorithmOf(object);
  const pkcs8 = object.export({ type: 'pkcs8', format: 'der' });
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, parameters, false, ['sign']);
  return { key, algorithm };
}

/** OpenSSL's own messages name its source files, and say little. */
export function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('is not a private key in PEM without a password');
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): {
  algorithm: SigningAlgorithm;
  parameters: webcrypto.EcKeyImportParams | webcrypto.RsaHashedImportParams | { name: string };
} {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) {
    const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    return { algorithm: rsa, parameters: rsa };
  }
  const curve = asymmetricKeyType === 'ec' ? curves[asymmetricKeyDetails?.namedCurve ?? ''] : undefined;
  if (curve !== undefined) {
    return {
      algorithm: { name: 'ECDSA', hash: curve.hash },
      parameters: { name: 'ECDSA', namedCurve: curve.name },
    };
  }
  throw new Error('is of a kind that cannot sign here: use ECDSA P-256 or P-384, or RSA of 2048 bits and more');
}

const curves: Readonly<Record<string, { name: string; hash: string }>> = {
  prime256v1: { name: 'P-256', hash: 'SHA-256' },
  secp384r1: { name: 'P-384', hash: 'SHA-384' },
};
