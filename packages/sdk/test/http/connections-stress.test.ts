import type { RequestListener } from 'node:http';
import { seededRandom, testThresholds } from '@inmesh/core/testing';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { staticMesh } from '../support/static-mesh.js';
import { httpServer } from '../support/test-server.js';

const maxConnections = 5;

/** Answers, answers and closes, cuts, cuts in the middle, or is slow, as it is drawn. */
function moodyServer(random: () => number): RequestListener {
  return (_req, res) => {
    const mood = Math.floor(random() * 10);
    if (mood === 0) res.destroy();
    else if (mood === 1) res.writeHead(200, { connection: 'close' }).end('done');
    else if (mood === 2) {
      res.writeHead(200, { 'content-length': '100' }).write('some');
      setImmediate(() => res.destroy());
    } else if (mood <= 4) setTimeout(() => res.end('done'), 5);
    else res.end('done');
  };
}

describe('a pool under requests that succeed, break and are given up, in any order', () => {
  it.each([1, 2, 3])(
    'lets every one of them end, keeps to its limit and loses no connection (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const server = await httpServer(moodyServer(random));
      let most = 0;
      server.server.on('connection', () => {
        most = Math.max(most, server.sockets.size);
      });
      const thresholds = { ...testThresholds, maxConnections };
      const circuitBreakers = { default: thresholds, high: thresholds };
      const mesh = staticMesh([server.port], { cluster: { circuitBreakers, maxRequestsPerConnection: 20 } });
      const { breaker } = mesh.internals.snapshots.current.clusters.get('reviews')!.state;

      const one = async () => {
        const abort = new AbortController();
        if (random() < 0.2) setTimeout(() => abort.abort(), random() * 6);
        const { dispatcher } = mesh;
        const { body } = await request('http://reviews/', { dispatcher, signal: abort.signal });
        return await body.text();
      };
      const worker = async () => {
        let answered = 0;
        for (let i = 0; i < 40; i += 1) {
          const outcome = await one().catch(() => undefined);
          if (outcome === 'done') answered += 1;
          expect(breaker.connections).toBeLessThanOrEqual(maxConnections);
        }
        return answered;
      };
      const answered = await Promise.all(Array.from({ length: 20 }, worker));

      expect(answered.reduce((sum, count) => sum + count)).toBeGreaterThan(400);
      expect(breaker).toMatchObject({ requests: 0, pendingRequests: 0 });
      // A server may hear of a new connection before it hears of the end of the one before it.
      expect(most).toBeLessThanOrEqual(2 * maxConnections);
      await mesh.close();
      expect(breaker.connections).toBe(0);
      await expect.poll(() => server.sockets.size).toBe(0);
      await server.close();
    },
  );
});
