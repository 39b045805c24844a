import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import {
  type CircuitBreaker,
  type Clock,
  type ClusterView,
  type EndpointState,
  type EndpointView,
  MeshError,
  type UpstreamTls,
} from '@inmesh/core';
import { endOfValidity, transportKey, transportTls, type UpstreamTlsContexts } from '../identity/upstream-tls.js';
import { ConnectionPool } from './connection-pool.js';
import { connectionSettings, settingsKey, type TransportTls } from './connection-settings.js';

type Scheme = 'http' | 'https';

interface Known {
  readonly scheme: Scheme;
  readonly breaker: CircuitBreaker;
  readonly pool: ConnectionPool;
}

interface Slot {
  readonly pool: ConnectionPool;
  readonly breaker: CircuitBreaker;
  readonly settings: string;
}

/** One pool for each endpoint of a cluster, scheme and priority, remade when the cluster's way of connecting changes. */
export class EndpointPools {
  /** What a view was asked for before is found without building a key; there is one, as a rule. */
  readonly #known = new WeakMap<EndpointView, Known[]>();
  readonly #slots = new Map<string, Slot>();
  readonly #keysOfAddress = new Map<string, Set<string>>();
  readonly #draining = new Set<ConnectionPool>();
  #closed = false;

  constructor(
    private readonly clock: Clock,
    /** Undefined: clusters that ask for TLS cannot be reached. */
    private readonly tls?: UpstreamTlsContexts,
  ) {}

  /**
   * @param breaker the cluster's breaker of the call's priority, which counts the connections
   * @throws MeshError `mesh_closed` after `close`: a pool made then would have nobody to close it
   */
  get(cluster: ClusterView, view: EndpointView, scheme: Scheme, breaker: CircuitBreaker): ConnectionPool {
    if (this.#closed) throw new MeshError('mesh_closed', { message: 'the mesh was closed' });
    const known = this.#known.get(view);
    if (known !== undefined) {
      for (const one of known)
        if (one.breaker === breaker && one.scheme === scheme && !one.pool.isClosed) return one.pool;
    }
    const pool = this.#poolOf(cluster, view, scheme, breaker);
    const others = known?.filter((one) => !one.pool.isClosed) ?? [];
    this.#known.set(view, [...others, { breaker, scheme, pool }]);
    return pool;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** No new requests; those under way end in peace, then the connections close. */
  drain({ address }: EndpointState): void {
    const keys = this.#keysOfAddress.get(address) ?? [];
    this.#keysOfAddress.delete(address);
    for (const key of keys) {
      this.#close(this.#slots.get(key)!.pool);
      this.#slots.delete(key);
    }
  }

  /** The identity is another: what is idle closes, and what is busy does when its request has ended. */
  retire(): void {
    for (const { pool } of this.#slots.values()) pool.retireIdle();
  }

  /** Settles when every request under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { pool } of this.#slots.values()) this.#close(pool);
    this.#forgetAll();
    await Promise.all([...this.#draining].map((pool) => pool.close()));
  }

  /** Ends requests under way, those of pools that are closing included. */
  async destroy(): Promise<void> {
    this.#closed = true;
    const all = [...[...this.#slots.values()].map(({ pool }) => pool), ...this.#draining];
    this.#forgetAll();
    await Promise.all(all.map((pool) => pool.destroy()));
  }

  #poolOf(cluster: ClusterView, view: EndpointView, scheme: Scheme, breaker: CircuitBreaker): ConnectionPool {
    const { state } = view;
    const wanted = transportTls(cluster.cluster, view.endpoint);
    const priority = breaker === cluster.state.breaker ? 'default' : 'high';
    const key = `${scheme}|${priority}|${state.address}|${cluster.state.name}`;
    const settings = `${settingsKey(cluster.cluster)} ${transportKey(wanted)}`;
    const slot = this.#slots.get(key);
    // A call that keeps an older snapshot takes what there is, and never brings the older settings back.
    if (slot !== undefined) {
      const isSame = slot.settings === settings && slot.breaker === breaker;
      if (isSame || cluster.state.newest !== cluster) return slot.pool;
      this.#close(slot.pool);
    }
    const origin = `${scheme}://${state.address}`;
    const connections = connectionSettings(cluster.cluster, this.clock, wanted && this.#transportTls(wanted));
    const pool = new ConnectionPool(origin, connections, breaker, this.clock);
    this.#slots.set(key, { pool, breaker, settings });
    this.#remember(state.address, key);
    return pool;
  }

  #transportTls(wanted: UpstreamTls): TransportTls {
    const { tls } = this;
    if (tls === undefined) throw new MeshError('not_ready', { message: 'TLS was asked for, and there is none' });
    const validity = wanted.skipVerify ? undefined : { now: tls.wallClock, endOf: endOfServer };
    return { context: () => tls.of(wanted), epoch: () => tls.epoch, validity };
  }

  #close(pool: ConnectionPool): void {
    this.#draining.add(pool);
    void pool.close().finally(() => this.#draining.delete(pool));
  }

  #remember(address: string, key: string): void {
    const keys = this.#keysOfAddress.get(address);
    if (keys === undefined) this.#keysOfAddress.set(address, new Set([key]));
    else keys.add(key);
  }

  #forgetAll(): void {
    this.#slots.clear();
    this.#keysOfAddress.clear();
  }
}

function endOfServer(socket: Socket): number {
  return socket instanceof TLSSocket ? endOfValidity(socket.getPeerCertificate()) : Number.POSITIVE_INFINITY;
}
