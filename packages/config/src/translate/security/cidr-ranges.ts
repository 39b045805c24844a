import { create } from '@bufbuild/protobuf';
import { type CidrRange, CidrRangeSchema } from '@inmesh/xds/messages';

/** Of an address or a range that the schema has looked at; an address is a range of one. */
export function cidrRange(text: string): CidrRange {
  const [addressPrefix = '', length] = text.split('/');
  const longest = addressPrefix.includes(':') ? 128 : 32;
  return create(CidrRangeSchema, { addressPrefix, prefixLen: length === undefined ? longest : Number(length) });
}
