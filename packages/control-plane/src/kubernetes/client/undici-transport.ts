import { Pool } from 'undici';
import type { ClusterAccess, Credentials } from './cluster-access.js';
import type { Transport, TransportAnswer, TransportRequest } from './transport.js';

/** Connections made with the same TLS material. */
interface Pools {
  readonly tls: Omit<Credentials, 'headers'>;
  readonly short: Pool;
  /** Those of all kinds and namespaces together would take every connection, and a Lease would run out meanwhile. */
  readonly lists: Pool;
  /** A watch holds its connection, so none of them may stand in the way of a request. */
  readonly streams: Pool;
}

/** Beyond them requests wait; the API server limits how many of one client are in flight. */
const connectionsOfPool = 16;
const connectTimeoutMs = 10_000;

/** HTTP/1.1 over undici. New certificates and roots take new connections; what is under way ends on the old ones. */
export class UndiciTransport implements Transport {
  readonly #origin: string;
  readonly #prefix: string;
  #pools: Pools | undefined;
  readonly #retired = new Set<Pools>();

  constructor(private readonly access: ClusterAccess) {
    const { origin, pathname } = new URL(access.server);
    this.#origin = origin;
    this.#prefix = pathname === '/' ? '' : pathname;
  }

  async send({ method, path, headers, body, isStream, isList, signal }: TransportRequest): Promise<TransportAnswer> {
    const { headers: own, ...tls } = await this.access.credentials();
    const { short, lists, streams } = this.#poolsFor(tls);
    const pool = isStream ? streams : isList ? lists : short;
    const asked = pool.request({
      ...{ method, path: this.#prefix + path, headers: { ...headers, ...own }, signal },
      ...(body === undefined ? {} : { body }),
      // The client has its own limits of time, by its own clock.
      ...{ headersTimeout: 0, bodyTimeout: 0 },
    });
    const answer = await orAborted(asked, signal);
    const retryAfter = answer.headers['retry-after'];
    return {
      status: answer.statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      body: answer.body,
    };
  }

  forgetCredentials(): void {
    this.access.forget();
  }

  async close(): Promise<void> {
    const all = [...this.#retired, ...(this.#pools === undefined ? [] : [this.#pools])];
    this.#pools = undefined;
    await Promise.all(all.flatMap(poolsIn).map((pool) => pool.destroy()));
  }

  #poolsFor(tls: Omit<Credentials, 'headers'>): Pools {
    if (this.#pools !== undefined && isSame(tls, this.#pools.tls)) return this.#pools;
    if (this.#pools !== undefined) this.#retire(this.#pools);
    const { ca, certificate: cert, key, serverName: servername, skipVerify } = tls;
    const connect = {
      ...{ ca, cert, key, servername, rejectUnauthorized: skipVerify !== true, timeout: connectTimeoutMs },
    };
    const pool = (connections: number | null) => new Pool(this.#origin, { connect, connections, pipelining: 1 });
    this.#pools = { tls, short: pool(connectionsOfPool), lists: pool(connectionsOfPool), streams: pool(null) };
    return this.#pools;
  }

  #retire(pools: Pools): void {
    this.#retired.add(pools);
    const ended = Promise.all(poolsIn(pools).map((pool) => pool.close()));
    // One that is destroyed meanwhile rejects, and is gone as well.
    void ended.catch(() => {}).then(() => this.#retired.delete(pools));
  }
}

function poolsIn({ short, lists, streams }: Pools): readonly Pool[] {
  return [short, lists, streams];
}

/** undici tells of an end only when a connection is free, and that may be never. */
async function orAborted<Answer>(asked: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  let end!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    end = () => reject(new Error('This operation was aborted'));
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
  try {
    return await Promise.race([asked, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function isSame(one: Omit<Credentials, 'headers'>, other: Omit<Credentials, 'headers'>): boolean {
  const names = ['ca', 'certificate', 'key', 'serverName', 'skipVerify'] as const;
  return names.every((name) => one[name] === other[name]);
}
