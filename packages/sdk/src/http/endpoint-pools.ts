import { type Cluster, type EndpointState, type EndpointView, MeshError } from '@inmesh/core';
import { Pool } from 'undici';

/** One undici Pool for each endpoint, and for each way of connecting to it; shared by clusters that connect alike. */
export class EndpointPools {
  /** Over plain HTTP the pool of an endpoint's view is found without building a key. */
  readonly #plain = new WeakMap<EndpointView, Pool>();
  readonly #pools = new Map<string, Pool>();
  readonly #keysOfAddress = new Map<string, Set<string>>();
  readonly #draining = new Map<Pool, Promise<void>>();
  #closed = false;

  /** @throws MeshError `mesh_closed` after `close`: a pool made then would have nobody to close it */
  get(cluster: Cluster, view: EndpointView, scheme: 'http' | 'https'): Pool {
    if (this.#closed) throw new MeshError('mesh_closed', { message: 'the mesh was closed' });
    if (scheme === 'https') return this.#poolOf(cluster, view.state, 'https');
    let pool = this.#plain.get(view);
    if (pool === undefined) {
      pool = this.#poolOf(cluster, view.state, 'http');
      this.#plain.set(view, pool);
    }
    return pool;
  }

  get size(): number {
    return this.#pools.size;
  }

  /** No new requests; those under way end in peace, then the connections close. */
  drain(state: EndpointState): void {
    const keys = this.#keysOfAddress.get(state.address);
    if (keys === undefined) return;
    this.#keysOfAddress.delete(state.address);
    for (const key of keys) {
      this.#close(this.#pools.get(key)!);
      this.#pools.delete(key);
    }
  }

  /** Settles when every request under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const pool of this.#pools.values()) this.#close(pool);
    this.#forgetAll();
    await Promise.all(this.#draining.values());
  }

  /** Ends requests under way, those of pools that are closing included. */
  async destroy(): Promise<void> {
    this.#closed = true;
    const all = [...this.#pools.values(), ...this.#draining.keys()];
    this.#forgetAll();
    await Promise.all(all.map((pool) => pool.destroy()));
  }

  #close(pool: Pool): void {
    const done = pool.close().finally(() => this.#draining.delete(pool));
    this.#draining.set(pool, done);
  }

  #forgetAll(): void {
    this.#pools.clear();
    this.#keysOfAddress.clear();
  }

  #poolOf(cluster: Cluster, state: EndpointState, scheme: 'http' | 'https'): Pool {
    const { maxConnections } = cluster.circuitBreakers.default;
    const { connectTimeoutMs, maxRequestsPerConnection } = cluster;
    const key = `${scheme}|${state.address}|${maxConnections}|${connectTimeoutMs}|${maxRequestsPerConnection}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = new Pool(`${scheme}://${state.address}`, {
      connections: Number.isFinite(maxConnections) ? maxConnections : null,
      connectTimeout: connectTimeoutMs,
      ...(Number.isFinite(maxRequestsPerConnection) && { maxRequestsPerClient: maxRequestsPerConnection }),
    });
    this.#pools.set(key, pool);
    this.#remember(state.address, key);
    return pool;
  }

  #remember(address: string, key: string): void {
    const keys = this.#keysOfAddress.get(address);
    if (keys === undefined) this.#keysOfAddress.set(address, new Set([key]));
    else keys.add(key);
  }
}
