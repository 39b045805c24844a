import { MeshError, type TokenBucketSettings } from '@inmesh/core';
import Bottleneck from 'bottleneck';
import type { Redis } from 'ioredis';
import type { TokenStore } from './token-store.js';

/** Each has a heartbeat; the longest unused are given up from here on. */
const maxLimiters = 1000;

/** What bottleneck's store does for a job that may start now. `schedule` would wait for its turn where others were faster. */
interface Registrar {
  __register__(index: string, weight: number, expirationMs: number): Promise<{ readonly success: boolean }>;
}

/** Bottleneck listens for free places to start waiting jobs. None ever waits here, so there is nothing to connect for. */
const quietSubscriber = {
  status: 'ready',
  setMaxListeners() {},
  on() {},
  subscribe: (_channel: string, done: () => void) => done(),
  unsubscribe: async () => {},
  disconnect() {},
};

/**
 * Token buckets in a Redis, by bottleneck's scripts: a bucket is a limiter, its tokens are the reservoir, and a call is a
 * job that registers or does not. Buckets are filled by the clocks of the processes, which should agree as well as the
 * fill interval needs. Keys end in `inmesh:<id>` and expire when they have not been used for long.
 */
export class RedisStore implements TokenStore {
  readonly #connection: Bottleneck.IORedisConnection;
  readonly #limiters = new Map<string, Bottleneck>();
  #jobs = 0;

  constructor(
    private readonly client: Redis,
    /** Of this process, to tell its jobs from those of others. */
    private readonly clientId: string,
  ) {
    client.duplicate = () => quietSubscriber as unknown as Redis;
    this.#connection = new Bottleneck.IORedisConnection({ client });
  }

  async take(id: string, settings: TokenBucketSettings): Promise<boolean> {
    const limiter = this.#limiterOf(id, settings);
    try {
      return await this.#register(limiter);
    } catch (error) {
      if (!isForgotten(error)) throw error;
      this.#giveUp(id, limiter);
      return this.#register(this.#limiterOf(id, settings));
    }
  }

  async ping(): Promise<void> {
    await this.client.ping();
  }

  async close(): Promise<void> {
    await this.#connection.disconnect(false);
  }

  async #register(limiter: Bottleneck): Promise<boolean> {
    this.#jobs += 1;
    // A job that expires at once needs no second message for its end.
    const { success } = await registrarOf(limiter).__register__(`${this.clientId}-${this.#jobs}`, 1, 1);
    return success;
  }

  #limiterOf(id: string, settings: TokenBucketSettings): Bottleneck {
    const limiter = this.#limiters.get(id) ?? this.#makeLimiter(id, settings);
    // The order of a map is that of setting: the first is the one that was not used for the longest time.
    this.#limiters.delete(id);
    this.#limiters.set(id, limiter);
    if (this.#limiters.size > maxLimiters) this.#giveUp(this.#limiters.keys().next().value!);
    return limiter;
  }

  #makeLimiter(id: string, { maxTokens, tokensPerFill, fillIntervalMs }: TokenBucketSettings): Bottleneck {
    const limiter = new Bottleneck({
      id: `inmesh:${id}`,
      connection: this.#connection,
      reservoir: maxTokens,
      reservoirIncreaseAmount: tokensPerFill,
      reservoirIncreaseInterval: fillIntervalMs,
      reservoirIncreaseMaximum: maxTokens,
      // Long enough for a bucket to be full again, whatever was taken: to lose it then changes nothing.
      timeout: Math.max(60_000, fillIntervalMs * (Math.ceil(maxTokens / tokensPerFill) + 1)),
    });
    limiter.ready().catch(() => this.#giveUp(id, limiter));
    return limiter;
  }

  /** One that could not be set up never works: the next call makes another. */
  #giveUp(id: string, limiter = this.#limiters.get(id)): void {
    if (limiter === undefined || this.#limiters.get(id) !== limiter) return;
    this.#limiters.delete(id);
    Promise.resolve(limiter.disconnect(false)).catch(() => {});
  }
}

/** After a restart, or when the keys have expired. Bottleneck looks for texts that Redis 7 begins with `ERR`. */
function isForgotten(error: unknown): boolean {
  return error instanceof Error && /SETTINGS_KEY_NOT_FOUND|UNKNOWN_CLIENT/.test(error.message);
}

function registrarOf(limiter: Bottleneck): Registrar {
  return (limiter as unknown as { readonly _store: Registrar })._store;
}

/** @throws MeshError when the client library is missing; not when the Redis is, which may come later */
export async function openRedis(url: string, clientId: string): Promise<RedisStore> {
  const { Redis } = await import('ioredis').catch((cause) => {
    throw new MeshError('invalid_request', {
      message: 'rateLimits.redis needs the package ioredis',
      hint: 'npm install ioredis',
      cause,
    });
  });
  const client = new Redis(url, {
    connectionName: 'inmesh',
    // What cannot be sent now is counted here: it must neither wait for the connection nor be sent a second time.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout: 2000,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1000),
  });
  // A process that has nothing else to do may end; a call that waits has a timer that holds it.
  client.on('connect', () => client.stream.unref());
  return new RedisStore(client, clientId);
}
