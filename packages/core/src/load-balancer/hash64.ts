import type { Random } from '../clock.js';

/**
 * XXH64 (xxhash.com) of a text as it goes on the wire, one byte a character, in unsigned 64 bits. Core has no
 * implementation: the SDK gives one in WebAssembly, tests theirs.
 */
export type Hash64 = (text: string, seed: bigint) => bigint;

const word = new DataView(new ArrayBuffer(8));

/** A hash as two halves of 32 bits: they are compared and divided without bigints, each of which is an allocation. */
export class HashHalves {
  high = 0;
  low = 0;

  set(hash: bigint): void {
    word.setBigUint64(0, hash);
    this.high = word.getUint32(0);
    this.low = word.getUint32(4);
  }

  draw(random: Random): void {
    this.high = Math.floor(random() * 0x1_0000_0000);
    this.low = Math.floor(random() * 0x1_0000_0000);
  }
}

/** A hash modulo `divisor`, which is below 2^26 so that no step leaves the integers of a double. */
export function remainder(high: number, low: number, divisor: number): number {
  return ((high % divisor) * (0x1_0000_0000 % divisor) + low) % divisor;
}

/** 16 hexadecimal digits. */
export function randomHex64(random: Random): string {
  const half = () =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  return half() + half();
}
