import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface TestCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly keyObject: KeyObject;
}

export interface CertificateOptions {
  /** Also the common name. Default `localhost`. */
  readonly hosts?: readonly string[];
  /** Default: a year ago. */
  readonly notBefore?: Date;
  /** Default: in a year. */
  readonly notAfter?: Date;
  readonly isCa?: boolean;
  /** URI names beside the hosts. Default: none. */
  readonly uris?: readonly string[];
  /** Which of its bits are set, the first that of `digitalSignature`. Default: the extension is left out. */
  readonly keyUsage?: readonly ('digitalSignature' | 'keyCertSign' | 'cRLSign' | 'keyAgreement')[];
  /** Default: the extension is left out. */
  readonly extendedKeyUsage?: readonly ('serverAuth' | 'clientAuth')[];
  /** How many intermediates may be below it. Default: it does not say. */
  readonly pathLength?: number;
  /** Any others: the object identifier in hex, and the value in DER. Default: none. */
  readonly extensions?: readonly { readonly oid: string; readonly isCritical?: boolean; readonly value: Buffer }[];
  /** Its own. Default: a new one on P-256. */
  readonly keyObject?: KeyObject;
  /** Who signs it. Default: itself. */
  readonly issuer?: { readonly hosts: readonly string[]; readonly keyObject: KeyObject };
}

/** PEM of every key of this process, for who looks whether any of them is told anywhere. */
export const madeKeys: string[] = [];

const yearMs = 365 * 24 * 3600 * 1000;

/** An X.509 certificate on a new P-256 key. Node reads certificates and writes none, hence the DER by hand. */
export function makeCertificate(options: CertificateOptions = {}): TestCertificate {
  const { hosts = ['localhost'] } = options;
  const { notBefore = new Date(Date.now() - yearMs), notAfter = new Date(Date.now() + yearMs) } = options;
  const privateKey = options.keyObject ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const publicKey = createPublicKey(privateKey);
  const issuer = options.issuer ?? { hosts, keyObject: privateKey };
  const content = sequence(
    tagged(0xa0, integer(2)),
    integer(1),
    ecdsaWithSha256,
    nameOf(issuer.hosts),
    sequence(time(notBefore), time(notAfter)),
    nameOf(hosts),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensionsOf(options))),
  );
  const signature = sign('sha256', content, issuer.keyObject);
  const der = sequence(content, ecdsaWithSha256, tagged(0x03, Buffer.from([0]), signature));
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  madeKeys.push(key);
  return { certificate: pem('CERTIFICATE', der), key, keyObject: privateKey };
}

function extensionsOf(options: CertificateOptions): Buffer[] {
  const { hosts = ['localhost'], uris = [], extensions = [] } = options;
  const others = extensions.map(({ oid: id, isCritical = false, value }) =>
    sequence(oid(id), ...(isCritical ? [critical] : []), tagged(0x04, value)),
  );
  return [basicConstraints(options), ...usages(options), subjectAltNames(hosts, uris), ...others];
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

export function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
}

export function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

/** Up to 127. */
function integer(value: number): Buffer {
  return tagged(0x02, Buffer.from([value]));
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));

function nameOf(hosts: readonly string[]): Buffer {
  const commonName = tagged(0x0c, Buffer.from(hosts[0] ?? ''));
  return sequence(tagged(0x31, sequence(oid('550403'), commonName)));
}

function time(at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(text));
}

function basicConstraints({ isCa = false, pathLength }: CertificateOptions): Buffer {
  const length = pathLength === undefined ? [] : [integer(pathLength)];
  const value = isCa ? sequence(tagged(0x01, Buffer.from([0xff])), ...length) : sequence();
  return sequence(oid('551d13'), tagged(0x04, value));
}

const critical = tagged(0x01, Buffer.from([0xff]));

const keyUsageBits = { digitalSignature: 0x80, keyAgreement: 0x08, keyCertSign: 0x04, cRLSign: 0x02 } as const;
const extendedKeyUsages = { serverAuth: '2b06010505070301', clientAuth: '2b06010505070302' } as const;

function usages({ keyUsage, extendedKeyUsage }: CertificateOptions): Buffer[] {
  const found: Buffer[] = [];
  if (keyUsage !== undefined) {
    const bits = keyUsage.reduce((sum, name) => sum | keyUsageBits[name], 0);
    // Critical, as SPIFFE wants it; the first byte counts unused bits.
    found.push(sequence(oid('551d0f'), critical, tagged(0x04, tagged(0x03, Buffer.from([1, bits])))));
  }
  if (extendedKeyUsage !== undefined) {
    const uses = extendedKeyUsage.map((name) => oid(extendedKeyUsages[name]));
    found.push(sequence(oid('551d25'), tagged(0x04, sequence(...uses))));
  }
  return found;
}

function subjectAltNames(hosts: readonly string[], uris: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    /^\d+\.\d+\.\d+\.\d+$/.test(host)
      ? tagged(0x87, Buffer.from(host.split('.').map(Number)))
      : tagged(0x82, Buffer.from(host)),
  );
  const uriNames = uris.map((uri) => tagged(0x86, Buffer.from(uri)));
  return sequence(oid('551d11'), tagged(0x04, sequence(...names, ...uriNames)));
}
