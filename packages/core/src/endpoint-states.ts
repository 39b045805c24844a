import type { ClusterView, EndpointState } from './cluster-view.js';
import type { Endpoint } from './model/cluster.js';

/** The state of each address, for as long as the newest view of any cluster lists it. */
export class EndpointStates {
  readonly #states = new Map<string, EndpointState>();
  /** In how many places of those views a state stands: to count them is cheaper than to look through all clusters. */
  readonly #uses = new Map<EndpointState, number>();

  constructor(private readonly onRemoved: (state: EndpointState) => void) {}

  of({ address, host, port }: Endpoint): EndpointState {
    let state = this.#states.get(address);
    if (state === undefined) {
      state = { address, host, port, inFlight: 0, removed: false };
      this.#states.set(address, state);
    }
    return state;
  }

  /** Forgets what only views that were replaced have listed. */
  replace(before: readonly ClusterView[], now: readonly ClusterView[]): void {
    for (const { endpoints } of now) for (const { state } of endpoints) this.#uses.set(state, this.#usesOf(state) + 1);
    for (const { endpoints } of before) for (const { state } of endpoints) this.#release(state);
  }

  #release(state: EndpointState): void {
    const uses = this.#usesOf(state) - 1;
    if (uses > 0) {
      this.#uses.set(state, uses);
      return;
    }
    this.#uses.delete(state);
    this.#states.delete(state.address);
    state.removed = true;
    this.onRemoved(state);
  }

  #usesOf(state: EndpointState): number {
    return this.#uses.get(state) ?? 0;
  }
}
