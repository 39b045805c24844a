import type { Hash64 } from '../load-balancer/hash64.js';

const p1 = 0x9e3779b185ebca87n;
const p2 = 0xc2b2ae3d27d4eb4fn;
const p3 = 0x165667b19e3779f9n;
const p4 = 0x85ebca77c2b2ae63n;
const p5 = 0x27d4eb2f165667c5n;

const wrap = (value: bigint) => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint) => wrap((value << by) | (wrap(value) >> (64n - by)));
const round = (lane: bigint, input: bigint) => wrap(rotate(wrap(lane + input * p2), 31n) * p1);

/** XXH64 in plain JavaScript: slow, but tests need no promise and no dependency for it. */
export const testHash64: Hash64 = (text, seed) => {
  const bytes = new DataView(Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer);
  let at = 0;
  let hash = seed + p5;
  if (bytes.byteLength >= 32) [hash, at] = hashStripes(bytes, seed);
  hash = wrap(hash + BigInt(bytes.byteLength));
  for (; at + 8 <= bytes.byteLength; at += 8) {
    hash = wrap(rotate(hash ^ round(0n, bytes.getBigUint64(at, true)), 27n) * p1 + p4);
  }
  if (at + 4 <= bytes.byteLength) {
    hash = wrap(rotate(hash ^ wrap(BigInt(bytes.getUint32(at, true)) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.byteLength; at += 1) {
    hash = wrap(rotate(hash ^ wrap(BigInt(bytes.getUint8(at)) * p5), 11n) * p1);
  }
  return avalanche(hash);
};

function hashStripes(bytes: DataView, seed: bigint): [hash: bigint, at: number] {
  const lanes = [seed + p1 + p2, seed + p2, seed, seed - p1].map(wrap);
  let at = 0;
  for (; at + 32 <= bytes.byteLength; at += 32) {
    for (const [index, lane] of lanes.entries()) lanes[index] = round(lane, bytes.getBigUint64(at + index * 8, true));
  }
  const turns = [1n, 7n, 12n, 18n];
  let hash = wrap(lanes.reduce((sum, lane, index) => sum + rotate(lane, turns[index]!), 0n));
  for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * p1 + p4);
  return [hash, at];
}

function avalanche(hash: bigint): bigint {
  const second = wrap((hash ^ (hash >> 33n)) * p2);
  const third = wrap((second ^ (second >> 29n)) * p3);
  return third ^ (third >> 32n);
}
