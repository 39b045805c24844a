import type { Random } from '../clock.js';
import type { ResetHeader, RetryPolicy } from '../model/route.js';
import type { Reply } from '../service.js';

/** The time of day in ms since 1970, by which servers say when to come back. */
export type WallClock = () => number;

/**
 * The wait that a reply asks for, in ms: that, and up to half as much again, so that its callers do not come back all at
 * once (Envoy `RateLimitedRetryBackOff`). Undefined when no header says, or only one beyond the policy's maximum; then the
 * usual back-off counts.
 */
export function askedDelayMs(
  { rateLimitedBackoff }: RetryPolicy,
  reply: Reply,
  wallClock: WallClock | undefined,
  random: Random,
): number | undefined {
  if (rateLimitedBackoff === undefined) return undefined;
  for (const header of rateLimitedBackoff.resetHeaders) {
    const delayMs = parse(header, reply.header(header.name), wallClock);
    if (delayMs === undefined || delayMs > rateLimitedBackoff.maxIntervalMs) continue;
    return delayMs > 1 ? delayMs + (random() * delayMs) / 2 : undefined;
  }
  return undefined;
}

function parse(
  { format }: ResetHeader,
  value: string | undefined,
  wallClock: WallClock | undefined,
): number | undefined {
  if (value === undefined || !/^\s*\d+\s*$/.test(value)) return undefined;
  const seconds = Number(value);
  if (format === 'seconds') return seconds * 1000;
  if (wallClock === undefined) return undefined;
  const now = Math.floor(wallClock() / 1000);
  return seconds < now ? undefined : (seconds - now) * 1000;
}
