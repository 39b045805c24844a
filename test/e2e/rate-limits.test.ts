import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { answerOf, closeAfterEach, joinMesh, seed, sources } from '../support/seeds.js';

const keep = closeAfterEach();

describe.each(sources)('from %s', (source) => {
  it('12 lets one call in 5 s through to reviews, and refuses the next with 429', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('limits.yaml', seed('12-rate-limit'));
    folder.write('service.yaml', serviceYaml('reviews', []));
    const mesh = await joinMesh(keep, folder, source);
    const server = mesh.createServer((_request, response) => void response.end('stars')).listen(0, '127.0.0.1');
    keep({ close: async () => server.closeAllConnections() ?? server.close() });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const isServed = new Promise<void>((resolve) => {
      const unlisten = mesh.internals.snapshots.onChange((snapshot) => {
        const view = snapshot.clusters.get('outbound|80||reviews.default.svc.cluster.local');
        if (view === undefined || view.endpoints.length === 0) return;
        unlisten();
        resolve();
      });
    });
    folder.write('service.yaml', serviceYaml('reviews', [{ app: 'reviews', version: 'v1', port }]));
    await isServed;
    expect(await answerOf(mesh, 'http://reviews/')).toBe('200 stars');
    expect(await answerOf(mesh, 'http://reviews/')).toBe('429 local_rate_limited');
  });
});
