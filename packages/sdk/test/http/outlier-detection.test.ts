import { testOutlierDetection } from '@inmesh/core/testing';
import { request } from 'undici';
import { expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { retryEverything, staticMesh } from '../support/static-mesh.js';
import { httpServer, tcpServer } from '../support/test-server.js';

it('ejects one of three that resets its connections, after five failures, and no request is lost (a1)', async () => {
  let resets = 0;
  const crashed = keep(
    await tcpServer((socket) =>
      socket.once('data', () => {
        resets += 1;
        socket.resetAndDestroy();
      }),
    ),
  );
  const healthy = [
    keep(await httpServer((_, res) => res.end('ok'))),
    keep(await httpServer((_, res) => res.end('ok'))),
  ];
  const outlierDetection = testOutlierDetection({ maxEjectionPercent: 50 });
  const mesh = keep(
    staticMesh([crashed.port, ...healthy.map(({ port }) => port)], {
      retry: retryEverything,
      cluster: { outlierDetection },
    }),
  );
  for (let i = 0; i < 60; i += 1) {
    const { statusCode, body } = await request('http://reviews/', { dispatcher: mesh.dispatcher });
    expect([statusCode, await body.text()]).toEqual([200, 'ok']);
  }
  expect(resets).toBe(5);
  const { state } = mesh.internals.snapshots.current.clusters.get('reviews')!;
  expect(state.outlierDetector!.ejectedHosts).toBe(1);
});
