import type { TokenBucketSettings } from '@inmesh/core';

/** Buckets that several processes count in. Every promise may take as long as it likes, and may fail. */
export interface TokenStore {
  /** Takes a token of a bucket, which is made full where there is none of this id. False: there was none to take. */
  take(id: string, settings: TokenBucketSettings): Promise<boolean>;
  /** Resolves when the store is there. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
