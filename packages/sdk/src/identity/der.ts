/** One value of DER: X.690, definite lengths of at most four bytes, tags below 31. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
}

/** The values that `bytes` is a row of. @throws RangeError when it is not */
export function readDer(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    const { length, from } = readLength(bytes, at + 1);
    if (from + length > bytes.length) throw new RangeError('a value is longer than what holds it');
    values.push({ tag, content: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return values;
}

function readLength(bytes: Buffer, at: number): { length: number; from: number } {
  const first = bytes.readUInt8(at);
  if (first < 0x80) return { length: first, from: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new RangeError('a length is not of DER');
  return { length: bytes.readUIntBE(at + 1, count), from: at + 1 + count };
}
