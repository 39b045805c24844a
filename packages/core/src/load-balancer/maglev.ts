import type { EndpointView } from '../cluster-view.js';
import { type Hash64, type HashHalves, remainder } from './hash64.js';
import type { HostWeight } from './host-weights.js';
import type { HashTable } from './keyed-choice.js';

interface Entry {
  /** The place of the table that it asks for next. */
  place: number;
  readonly skip: number;
  readonly weight: number;
  /** It takes part in a round when round * weight has come to this. */
  target: number;
}

/**
 * A table of a prime size in which each endpoint takes places by its own permutation, turn by turn (Envoy maglev_lb.cc;
 * «Maglev: A Fast and Reliable Software Network Load Balancer», listing 1). Without an endpoint few other keys move.
 */
export class Maglev implements HashTable {
  readonly #hosts: readonly EndpointView[];
  readonly #table: Int32Array;

  constructor(hosts: readonly HostWeight[], tableSize: number, hash64: Hash64) {
    const sorted = hosts.toSorted((a, b) => (a.view.endpoint.address < b.view.endpoint.address ? -1 : 1));
    this.#hosts = sorted.map(({ view }) => view);
    const entries = sorted.map(({ view, weight }) => toEntry(view.endpoint.address, weight, tableSize, hash64));
    this.#table = entries.length === 0 ? new Int32Array() : fill(entries, tableSize);
  }

  at({ high, low }: HashHalves, attempt: number): EndpointView | undefined {
    const table = this.#table;
    let index =
      attempt === 0
        ? remainder(high, low, table.length)
        : // Envoy's `hash ^= -attempt`: flipping most of the bits leads far away, and so hardly ever to the same endpoint.
          remainder(~high >>> 0, (low ^ -attempt) >>> 0, table.length);
    for (let step = 0; step < table.length; step += 1) {
      const owner = this.#hosts[table[index]!]!;
      if (!owner.state.removed) return owner;
      index = index + 1 === table.length ? 0 : index + 1;
    }
    return undefined;
  }
}

function toEntry(key: string, weight: number, tableSize: number, hash64: Hash64): Entry {
  const size = BigInt(tableSize);
  return {
    place: Number(hash64(key, 0n) % size),
    skip: Number(hash64(key, 1n) % (size - 1n)) + 1,
    weight,
    target: 0,
  };
}

/** Who owns each place, by index among the entries. */
function fill(entries: readonly Entry[], size: number): Int32Array {
  const table = new Int32Array(size).fill(-1);
  const heaviest = entries.reduce((most, { weight }) => Math.max(most, weight), 0);
  let taken = 0;
  for (let round = 1; taken < size; round += 1) {
    for (let index = 0; index < entries.length && taken < size; index += 1) {
      const entry = entries[index]!;
      if (round * entry.weight < entry.target) continue;
      entry.target += heaviest;
      while (table[entry.place] !== -1) entry.place = (entry.place + entry.skip) % size;
      table[entry.place] = index;
      taken += 1;
    }
  }
  return table;
}
