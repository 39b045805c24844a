import type { Hash64 } from '@inmesh/core';
import xxhash from 'xxhash-wasm';

const beyondAscii = /[^\0-\x7f]/;

/** XXH64 in WebAssembly, compiled once for all meshes of a process. */
export async function loadHash64(): Promise<Hash64> {
  const { h64, h64Raw } = await xxhash();
  // Headers go out in latin1, and the next hop hashes those bytes; the library alone would take UTF-8.
  return (text, seed) => (beyondAscii.test(text) ? h64Raw(Buffer.from(text, 'latin1'), seed) : h64(text, seed));
}
