import { isIP } from 'node:net';
import type { CidrRange as CidrRangeModel } from '@inmesh/core';
import type { CidrRange } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Without a length Envoy takes every address: nobody means that. */
export function decodeCidrRange(message: CidrRange, at: FieldScope): CidrRangeModel | undefined {
  reportUnsupported(message, at);
  const { addressPrefix: address, prefixLen } = message;
  const version = isIP(address);
  if (version === 0 || address.includes('%'))
    return at.field('address_prefix').error(`"${address}" is not an IP address`);
  const longest = version === 4 ? 32 : 128;
  if (prefixLen === undefined)
    return at.field('prefix_len').error(`is missing: ${longest} is one address, 0 is every one`);
  if (prefixLen > longest) return at.field('prefix_len').error(`${prefixLen} is more than ${longest}`);
  return { address, prefixLength: prefixLen };
}
