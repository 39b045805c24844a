import { type Cluster, type EndpointState, type EndpointView, MeshError } from '@inmesh/core';
import { Pool } from 'undici';

/** One undici Pool for each endpoint, and for each way of connecting to it; shared by clusters that connect alike. */
export class EndpointPools {
  /** Over plain HTTP the pool of an endpoint's view is found without building a key. */
  readonly #plain = new WeakMap<EndpointView, Pool>();
  readonly #pools = new Map<string, Pool>();
  readonly #keysOfAddress = new Map<string, Set<string>>();
  readonly #draining = new Set<Promise<void>>();
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
      const closing = this.#pools.get(key)!.close();
      this.#pools.delete(key);
      const done = closing.finally(() => this.#draining.delete(done));
      this.#draining.add(done);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#pools.values()].map((pool) => pool.close());
    this.#pools.clear();
    this.#keysOfAddress.clear();
    await Promise.all([...open, ...this.#draining]);
  }

  async destroy(): Promise<void> {
    this.#closed = true;
    const open = [...this.#pools.values()].map((pool) => pool.destroy());
    this.#pools.clear();
    this.#keysOfAddress.clear();
    await Promise.all(open);
  }

  #poolOf(cluster: Cluster, state: EndpointState, scheme: 'http' | 'https'): Pool {
    const { maxConnections } = cluster.circuitBreakers;
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
