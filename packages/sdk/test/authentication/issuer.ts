import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';

export interface IssuedKey {
  readonly kid: string | undefined;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export type KeyKind = 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA';

export function makeKey(kind: KeyKind, kid?: string, rsaBits = 2048): IssuedKey {
  return { kid, alg: kind, ...pairOf(kind, rsaBits) };
}

function pairOf(kind: KeyKind, modulusLength: number): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (kind) {
    case 'RS256':
    case 'PS256':
      return generateKeyPairSync('rsa', { modulusLength });
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
  }
}

export function keySet(keys: readonly IssuedKey[]): string {
  return JSON.stringify({
    keys: keys.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), ...(kid && { kid }) })),
  });
}

export async function sign(
  { alg, kid, privateKey }: IssuedKey,
  claims: object,
  header: Record<string, unknown> = {},
): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg, ...(kid && { kid }), ...header })
    .sign(privateKey);
}

export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}
