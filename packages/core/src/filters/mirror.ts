import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { ForwardAction, MirrorPolicy } from '../model/route.js';
import type { Service } from '../service.js';

const everyRequest = 1_000_000;

/** Nobody would end a copy that has no time limit: it gets the one that Envoy gives a route that names none. */
const defaultTimeoutMs = 15_000;

/**
 * Sends copies of a call to the clusters that its route mirrors to: once for a call, whatever becomes of it, and nobody
 * waits for them. A copy has the call's deadline and is never retried; not even its caller's going away ends it (Envoy
 * shadow_writer_impl.cc).
 */
export function mirrorFilter<C extends Call>(
  random: Random,
  shadowService: Service<C>,
): (next: Service<C>) => Service<C> {
  return (next) => (call) => {
    const action = call.action!;
    if (action.mirrors.length > 0 && call.cancelled === undefined) sendCopies(call, action, random, shadowService);
    return next(call);
  };
}

function sendCopies<C extends Call>(call: C, action: ForwardAction, random: Random, shadowService: Service<C>): void {
  for (const mirror of action.mirrors) {
    if (!isDrawn(mirror, random)) continue;
    const copy = copyFor(mirror, call, action);
    if (copy !== undefined) void sendAndForget(copy, shadowService);
  }
}

function isDrawn({ perMillion }: MirrorPolicy, random: Random): boolean {
  return perMillion >= everyRequest || (perMillion > 0 && Math.floor(random() * everyRequest) < perMillion);
}

function copyFor<C extends Call>(mirror: MirrorPolicy, call: C, action: ForwardAction): C | undefined {
  const cluster = call.snapshot.clusters.get(mirror.cluster);
  if (cluster === undefined) return undefined;
  const copy = call.shadow() as C | undefined; // a call copies itself into its own kind
  if (copy === undefined) return undefined;
  copy.route = call.route;
  const isBounded = action.timeoutMs > 0 || call.deadline !== Number.POSITIVE_INFINITY;
  const timeoutMs = isBounded ? action.timeoutMs : defaultTimeoutMs;
  copy.action = { ...action, timeoutMs, retry: undefined, mirrors: [], authorityRewrite: undefined };
  copy.target = { cluster: mirror.cluster, weight: 1 };
  copy.cluster = cluster;
  copy.deadline = call.deadline;
  copy.deadlineReason = call.deadlineReason;
  copy.sourceAddress = call.sourceAddress;
  copy.recorders = call.recorders;
  copy.attempt = 1;
  if (mirror.shadowSuffix) copy.headers.set('host', withShadowSuffix(copy.headers.get('host') ?? call.authority));
  return copy;
}

/** `host:8080` -> `host-shadow:8080`. */
export function withShadowSuffix(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? `${host.slice(0, colon)}-shadow${host.slice(colon)}` : `${host}-shadow`;
}

async function sendAndForget<C extends Call>(copy: C, shadowService: Service<C>): Promise<void> {
  try {
    const reply = await shadowService(copy);
    reply.discard();
  } catch {
    // Counted as an attempt by whoever counts; the caller is not told.
  }
}
