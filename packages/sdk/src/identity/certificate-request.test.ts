import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certificateRequest } from './certificate-request.js';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const uri = 'spiffe://cluster.local/ns/default/sa/reviews';

function openssl(...args: string[]): string {
  return execFileSync('openssl', ['req', '-noout', ...args], {
    input: certificateRequest(privateKey, uri),
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

describe('A certificate request', () => {
  it('is one to OpenSSL, signed, with the one name', () => {
    expect(() => openssl('-verify')).not.toThrow();
    const text = openssl('-text');
    expect(text).toMatch(
      /Subject Alternative Name: critical\s+URI:spiffe:\/\/cluster\.local\/ns\/default\/sa\/reviews\n/,
    );
    expect(text).toMatch(/Subject: *\n/);
    expect(text).toContain('NIST CURVE: P-256');
    expect(openssl('-pubkey')).toBe(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
  });

  it('can be read by another reader, whatever the name is and however long', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', '-', '_', '/'), maxLength: 2000 });
    await fc.assert(
      fc.asyncProperty(name, async (path) => {
        const request = new Pkcs10CertificateRequest(certificateRequest(privateKey, `spiffe://td/${path}`));
        expect(await request.verify()).toBe(true);
        const [extension] = request.getExtensions('2.5.29.17');
        const { names } = new SubjectAlternativeNameExtension(extension!.rawData);
        expect(names.items.map(({ type, value }) => [type, value])).toEqual([['url', `spiffe://td/${path}`]]);
      }),
    );
  });

  it('may ask for no name at all', async () => {
    const request = new Pkcs10CertificateRequest(certificateRequest(privateKey));
    expect(await request.verify()).toBe(true);
    expect(request.attributes).toEqual([]);
  });

  it('of a name without end is not made', () => {
    expect(() => certificateRequest(privateKey, `spiffe://td/${'a'.repeat(70_000)}`)).toThrow('too long');
  });
});
