import { describe, expect, it } from 'vitest';
import type { HashPolicy, RetryCondition } from '../model/route.js';
import { refused } from '../testing/fake-reply.js';
import { testRetryPolicy } from '../testing/index.js';
import { oneClusterMesh } from '../testing/one-cluster-mesh.js';

const byUser: HashPolicy = { kind: 'header', name: 'user', rewrite: undefined, terminal: false };

function keyedMesh(hostSelectionAttempts: number) {
  const retry = testRetryPolicy({
    on: new Set<RetryCondition>(['connect-failure']),
    attempts: 1,
    hostSelectionAttempts,
  });
  const mesh = oneClusterMesh({
    endpoints: 5,
    action: { hash: [byUser], retry },
    cluster: { loadBalancer: { kind: 'ringHash', minimumRingSize: 64, maximumRingSize: 1024 } },
  });
  mesh.answerWith(() => refused());
  return mesh;
}

describe('a retry where endpoints are found by key', () => {
  it('stays on the endpoint of the key where the policy says nothing else', async () => {
    for (const user of ['ann', 'bob', 'cid', 'dan']) {
      const mesh = keyedMesh(0);
      await mesh.send({ headers: { user } }).catch(() => {});
      expect(mesh.sent).toHaveLength(2);
      expect(new Set(mesh.sent).size).toBe(1);
    }
  });

  it('moves on from endpoints that were tried, to the same ones each time', async () => {
    for (const user of ['ann', 'bob', 'cid', 'dan']) {
      const walks = [keyedMesh(5), keyedMesh(5)];
      for (const mesh of walks) await mesh.send({ headers: { user } }).catch(() => {});
      expect(new Set(walks[0]!.sent).size).toBe(2);
      expect(walks[1]!.sent).toEqual(walks[0]!.sent);
    }
  });
});

describe('a call', () => {
  it('fails with UH when all endpoints are ejected and there is no panic', async () => {
    const mesh = oneClusterMesh({ cluster: { panicThresholdPercent: 0 } });
    for (const { host } of mesh.endpoints) host.ejected = true;
    mesh.state.healthEpoch += 1;
    const failure = await mesh.send().catch((error) => error);
    expect(failure).toMatchObject({ reason: 'no_healthy_upstream' });
    expect(failure.message).toContain('none of 3 endpoints is healthy');
  });

  it('goes to an ejected endpoint in panic alone', async () => {
    const mesh = oneClusterMesh({ cluster: { panicThresholdPercent: 50 } });
    mesh.endpoints[0]!.host.ejected = true;
    mesh.state.healthEpoch += 1;
    for (let i = 0; i < 4; i += 1) await mesh.send();
    expect(mesh.sent).not.toContain('10.0.0.1:8080');
    mesh.endpoints[1]!.host.ejected = true;
    mesh.state.healthEpoch += 1;
    for (let i = 0; i < 3; i += 1) await mesh.send();
    expect(mesh.sent).toContain('10.0.0.1:8080');
  });

  it('finds its key once, and keeps it when its headers change', async () => {
    const mesh = keyedMesh(0);
    const call = mesh.call({ headers: { user: 'ann' } });
    mesh.answerWith(() => {
      call.headers.set('user', 'bob');
      return refused();
    });
    await mesh.send(call).catch(() => {});
    expect(new Set(mesh.sent).size).toBe(1);
  });
});
