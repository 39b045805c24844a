import type { ClusterView, EndpointView } from '@inmesh/core';
import type { SimulatedCall } from './call.js';

interface Led {
  readonly healthEpoch: number;
  readonly to: EndpointView;
}

/** Remembers where keys lead: to one endpoint as long as it is there and no health has changed. */
export class KeyLedger {
  readonly #led = new Map<ClusterView, Map<bigint, Led>>();

  /** What is wrong with where the first attempt of a call goes; undefined when nothing is. */
  wrongWithKey({ cluster, hashKey, attempt }: SimulatedCall, to: EndpointView): string | undefined {
    if (hashKey === undefined || attempt !== 1) return undefined;
    const view = cluster!;
    // A call that has moved on to a newer view has the key of the older one, whatever the newer one balances by.
    const { kind } = view.cluster.loadBalancer;
    if (kind !== 'ringHash' && kind !== 'maglev') return undefined;
    const keys = this.#led.get(view) ?? new Map<bigint, Led>();
    this.#led.set(view, keys);
    const before = keys.get(hashKey);
    const { healthEpoch } = view.state;
    keys.set(hashKey, { healthEpoch, to });
    if (before === undefined || before.healthEpoch !== healthEpoch || before.to.state.removed) return undefined;
    if (before.to === to) return undefined;
    return `the key that led to ${before.to.endpoint.address} leads to ${to.endpoint.address}`;
  }
}
