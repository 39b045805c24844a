import type { CidrRange } from '../model/authorization.js';

/** Whether an address, as text, lies in a range. What is no address lies in none. */
export function compileCidrRange({ address, prefixLength }: CidrRange): (text: string) => boolean {
  const range = parseAddress(address);
  if (range === undefined) return () => false;
  const shift = BigInt(range.bits - Math.min(prefixLength, range.bits));
  const wanted = range.value >> shift;
  return (text) => {
    const found = parseAddress(text);
    return found !== undefined && found.bits === range.bits && found.value >> shift === wanted;
  };
}

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** An IPv4 address inside an IPv6 one (`::ffff:10.0.0.1`) is the IPv4 address: sockets write it either way. */
export function parseAddress(text: string): Address | undefined {
  const zone = text.indexOf('%');
  const plain = zone < 0 ? text : text.slice(0, zone);
  if (!plain.includes(':')) return parseV4(plain);
  const groups = parseV6(plain);
  if (groups === undefined) return undefined;
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

function parseV4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return { bits: 32, value: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (tail === undefined) return head.length === 8 ? head : undefined;
  const missing = 8 - head.length - tail.length;
  return missing < 1 ? undefined : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Number(v4.value >> 16n), Number(v4.value & 0xffffn));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
