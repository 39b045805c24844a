import { randomUUID } from 'node:crypto';
import { type Clock, type Random, RateLimiter } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { WorkloadInfo } from '../mesh-internals.js';
import { sharedBuckets } from './shared-buckets.js';
import type { TokenStore } from './token-store.js';

/** Loaded when it is used. @throws MeshError when the client library is missing */
export async function openStore(redis: string | undefined): Promise<TokenStore | undefined> {
  if (redis === undefined) return undefined;
  const { openRedis } = await import('./redis.js');
  return openRedis(redis, randomUUID());
}

export interface LimiterParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly workload: WorkloadInfo;
  readonly store: TokenStore | undefined;
  readonly maxWaitMs: number | undefined;
  readonly onStoreChange: (answering: boolean) => void;
}

export function createRateLimiter({
  clock,
  random,
  logger,
  workload,
  store,
  maxWaitMs,
  onStoreChange,
}: LimiterParts): RateLimiter {
  const shared = store && sharedBuckets({ store, clock, logger, maxWaitMs, onChange: onStoreChange });
  if (shared !== undefined) onStoreChange(true);
  // As Istio names a service's own cluster.
  return new RateLimiter({ clock, random, sourceCluster: `${workload.app}.${workload.namespace}`, shared });
}
