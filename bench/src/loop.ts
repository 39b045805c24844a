import type { SendRequest } from './variants/variant.js';

export interface LoopOrder {
  readonly requests: number;
  readonly concurrency: number;
}

export interface LoopResult {
  /** User and system CPU of the client process for one request, in microseconds. */
  readonly cpuMicros: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** A closed loop: `concurrency` callers that each send their next request when the last has been answered. */
export async function loop(send: SendRequest, { requests, concurrency }: LoopOrder): Promise<LoopResult> {
  const latencies = new Float64Array(requests);
  let next = 0;
  const caller = async () => {
    while (next < requests) {
      const index = next++;
      const began = performance.now();
      await send();
      latencies[index] = performance.now() - began;
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: concurrency }, caller));
  const used = process.cpuUsage(before);
  latencies.sort();
  return {
    cpuMicros: (used.user + used.system) / requests,
    p50Micros: latencies[Math.floor(requests * 0.5)]! * 1000,
    p99Micros: latencies[Math.floor(requests * 0.99)]! * 1000,
  };
}
