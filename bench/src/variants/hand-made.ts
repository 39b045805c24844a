import CircuitBreaker from 'opossum';
import pRetry from 'p-retry';
import { Histogram, Registry } from 'prom-client';
import { Pool } from 'undici';
import { path, type Variant } from './variant.js';

/** What teams build by hand in the place of a mesh: a breaker with a time-out, retries and a histogram around one pool. */
export const handMade: Variant = async ({ port }) => {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: null });
  const duration = new Histogram({
    name: 'request_duration_milliseconds',
    help: 'Duration of requests',
    labelNames: ['destination', 'code'],
    registers: [new Registry()],
  });
  const request = async () => {
    const { statusCode, body } = await pool.request({ path, method: 'GET', headers: ['host', 'reviews:9080'] });
    await body.text();
    if (statusCode >= 500) throw new Error(`status ${statusCode}`);
    return statusCode;
  };
  const breaker = new CircuitBreaker(request, { timeout: 10_000, capacity: 1024, errorThresholdPercentage: 50 });
  return async () => {
    const began = performance.now();
    const code = await pRetry(() => breaker.fire(), { retries: 2, minTimeout: 25 });
    duration.observe({ destination: 'reviews', code }, performance.now() - began);
  };
};
