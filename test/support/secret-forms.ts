import { createPrivateKey } from 'node:crypto';

/** A text that must not be found, and what it is. */
export interface SecretForm {
  readonly what: string;
  readonly text: string;
}

/** Bytes of a key that tell it from others, as `inspect` and JSON write the beginning of a Buffer. */
const shownBytes = 12;

/** A key in every form that it could slip out in. */
export function formsOfKey(pem: string): SecretForm[] {
  const key = createPrivateKey(pem);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const scalar = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  const start = [...scalar.subarray(0, shownBytes)];
  return [
    ...secretLines(der, scalar).map((text) => ({ what: 'a line of PEM', text })),
    ...formsOfBytes('the key', der),
    ...formsOfBytes('its secret number', scalar),
    { what: 'a Buffer', text: start.map((byte) => byte.toString(16).padStart(2, '0')).join(' ') },
    { what: 'a Buffer as JSON', text: start.join(',') },
  ];
}

/** Of its PEM: other lines are of the public key, which certificates tell as well. */
function secretLines(der: Buffer, scalar: Buffer): string[] {
  const from = der.indexOf(scalar);
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return lines.filter((_line, index) => index * 48 < from + scalar.length && (index + 1) * 48 > from);
}

/** @throws Error for what is so short that it is found by chance */
export function formsOfText(what: string, text: string): SecretForm[] {
  if (text.length < 12) throw new Error(`${what} is too short to be looked for`);
  return [{ what, text }, ...formsOfBytes(what, Buffer.from(text))];
}

function formsOfBytes(what: string, bytes: Buffer): SecretForm[] {
  const hex = bytes.toString('hex');
  return [
    { what: `${what} in hex`, text: hex },
    { what: `${what} in hex`, text: hex.toUpperCase() },
    // Without its end, where padding may be.
    { what: `${what} in base64`, text: bytes.toString('base64').slice(0, -4) },
    { what: `${what} in base64url`, text: bytes.toString('base64url').slice(0, -4) },
  ];
}
