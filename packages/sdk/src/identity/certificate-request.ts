import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/**
 * A certificate signing request (PKCS #10, RFC 2986), signed with the P-256 key that it is for. Returns PEM. Node reads
 * certificates and writes none, hence the DER by hand.
 * @param uri the one name that is asked for. Default: none, and whoever signs decides
 */
export function certificateRequest(privateKey: KeyObject, uri?: string): string {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const noSubject = sequence();
  const version = element(0x02, Buffer.from([0]));
  const attributes = uri === undefined ? [] : [extensionRequest(uri)];
  const content = sequence(version, noSubject, publicKey, element(0xa0, ...attributes));
  const signature = sign('sha256', content, privateKey);
  // The first byte of a bit string says how many of its last bits do not count.
  const request = sequence(content, ecdsaWithSha256, element(0x03, Buffer.from([0]), signature));
  return pem('CERTIFICATE REQUEST', request);
}

/** Critical, as in the certificate: there is no subject (RFC 5280 4.2.1.6). */
function extensionRequest(uri: string): Buffer {
  const names = sequence(element(0x86, Buffer.from(uri, 'ascii')));
  const isCritical = element(0x01, Buffer.from([0xff]));
  const subjectAltName = sequence(oid('551d11'), isCritical, element(0x04, names));
  return sequence(oid('2a864886f70d01090e'), element(0x31, sequence(subjectAltName)));
}

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));

function oid(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, 'hex'));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, ...parts);
}

/** Tag, length, content. Lengths from 128 on are a count of bytes and then the bytes (X.690 8.1.3.5). */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length > 0xffff) throw new RangeError(`an element of ${length} bytes is too long`);
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
