import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { EndpointView } from '../cluster-view.js';
import { HashHalves } from './hash64.js';
import type { LoadBalancer } from './load-balancer.js';

/** Where the hash of a key leads; the same endpoint for the same hash. */
export interface HashTable {
  /** @param attempt from 0; each further one leads away from the one before, most likely to another endpoint */
  at(hash: HashHalves, attempt: number): EndpointView | undefined;
}

/** The endpoint that the key of a call leads to; any endpoint for a call without a key, as in Envoy. */
export class KeyedChoice implements LoadBalancer {
  readonly #hash = new HashHalves();

  constructor(
    private readonly table: HashTable,
    private readonly random: Random,
  ) {}

  pick(call: Call, refused = 0): EndpointView | undefined {
    if (call.hashKey === undefined) this.#hash.draw(this.random);
    else this.#hash.set(call.hashKey);
    return this.table.at(this.#hash, refused);
  }
}
