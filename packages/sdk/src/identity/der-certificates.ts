import { X509Certificate } from 'node:crypto';
import { readDer } from './der.js';

/**
 * Certificates that stand one after the other, as the Workload API delivers them.
 * @throws Error that says which one is wrong, counted from 1
 */
export function parseDerCertificates(bytes: Uint8Array): X509Certificate[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const certificates: X509Certificate[] = [];
  for (const [index, one] of splitDer(whole).entries()) {
    try {
      certificates.push(new X509Certificate(one));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      throw new Error(`certificate ${index + 1} cannot be read (${code})`);
    }
  }
  if (certificates.length === 0) throw new Error('there is no certificate in it');
  return certificates;
}

function splitDer(whole: Buffer): Buffer[] {
  try {
    let from = 0;
    return readDer(whole).map(({ content }) => {
      const to = content.byteOffset + content.length - whole.byteOffset;
      const one = whole.subarray(from, to);
      from = to;
      return one;
    });
  } catch {
    throw new Error('it is cut short, or no DER');
  }
}
