import type { EndpointView } from '../cluster-view.js';
import { type Hash64, HashHalves } from './hash64.js';
import type { HostWeight } from './host-weights.js';
import type { HashTable } from './keyed-choice.js';

/**
 * Endpoints at the places XXH64(`address_i`) of a ring; a key belongs to the first place at or after its own (Envoy
 * ring_hash_lb.cc). Without an endpoint only its keys move, each to the endpoint behind.
 */
export class RingHash implements HashTable {
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #owners: readonly EndpointView[];

  constructor(
    hosts: readonly HostWeight[],
    sizes: { readonly minimumRingSize: number; readonly maximumRingSize: number },
    hash64: Hash64,
  ) {
    const ring = placesOf(hosts, scaleOf(hosts, sizes), hash64);
    const order = Uint32Array.from(ring.owners.keys()).sort(
      (a, b) => ring.high[a]! - ring.high[b]! || ring.low[a]! - ring.low[b]!,
    );
    this.#high = order.map((index) => ring.high[index]!);
    this.#low = order.map((index) => ring.low[index]!);
    this.#owners = Array.from(order, (index) => ring.owners[index]!);
  }

  get size(): number {
    return this.#owners.length;
  }

  at({ high, low }: HashHalves, attempt: number): EndpointView | undefined {
    const { size } = this;
    let index = this.#firstFrom(high, low) + attempt;
    for (let step = 0; step < size; step += 1, index += 1) {
      const owner = this.#owners[index % size]!;
      if (!owner.state.removed) return owner;
    }
    return undefined;
  }

  /** The first place that is not before the hash; the size of the ring when all are. */
  #firstFrom(high: number, low: number): number {
    let from = 0;
    let to = this.size;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const place = this.#high[middle]!;
      if (place < high || (place === high && this.#low[middle]! < low)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** How many places a weight of 1 gets: so many that the lightest endpoint has a whole number of them, if they fit. */
function scaleOf(
  hosts: readonly HostWeight[],
  { minimumRingSize, maximumRingSize }: { readonly minimumRingSize: number; readonly maximumRingSize: number },
): number {
  const lightest = hosts.reduce((least, { weight }) => Math.min(least, weight), 1);
  return Math.min(Math.ceil(lightest * minimumRingSize) / lightest, maximumRingSize);
}

/** Sums run over all endpoints, so that shares that are no whole number of places come out right in the end. */
function placesOf(hosts: readonly HostWeight[], scale: number, hash64: Hash64) {
  const room = hosts.length === 0 ? 0 : Math.ceil(scale) + 1;
  const high = new Uint32Array(room);
  const low = new Uint32Array(room);
  const owners: EndpointView[] = [];
  const hash = new HashHalves();
  let target = 0;
  for (const { view, weight } of hosts) {
    target += scale * weight;
    for (let place = 0; owners.length < target; place += 1) {
      hash.set(hash64(`${view.endpoint.address}_${place}`, 0n));
      high[owners.length] = hash.high;
      low[owners.length] = hash.low;
      owners.push(view);
    }
  }
  return { high, low, owners };
}
