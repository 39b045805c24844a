import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../../test/support/certificates.js';
import { keep } from '../../../../../test/support/keep.js';
import { ApiModel } from '../../../test/support/kubernetes/api-model.js';
import { serveModel } from '../../../test/support/kubernetes/serve-model.js';
import { Reflector } from '../reflector/reflector.js';
import type { KubernetesClient } from './client.js';
import type { Credentials } from './cluster-access.js';
import type { KubernetesObject, ResourceType } from './objects.js';
import { openClient } from './open-client.js';

const services: ResourceType = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true };
const collection = '/api/v1/services';
const { certificate, key } = makeCertificate({ hosts: ['127.0.0.1'] });
async function begin(credentials: Partial<Credentials> = {}, isSecure = true) {
  const model = new ApiModel();
  const served = keep(await serveModel(model, isSecure ? { cert: certificate, key } : undefined));
  let current: Credentials = { headers: { authorization: 'Bearer secret-1' }, ca: certificate, ...credentials };
  const client = clientOf(served.url, () => current);
  const use = (next: Partial<Credentials>) => {
    current = { ...current, ...next };
  };
  return { model, served, client, use };
}

function clientOf(server: string, credentials: () => Credentials): KubernetesClient {
  const access = { server, namespace: 'default', description: 'test', forget() {} };
  return keep(openClient({ ...access, credentials: async () => credentials() }));
}

function reflect(client: KubernetesClient) {
  const told: string[] = [];
  const reflector = keep(
    new Reflector<KubernetesObject>({
      ...{ client, type: services, random: () => 0 },
      clock: {
        now: () => performance.now(),
        setTimer: (ms, fire) => {
          const timer = setTimeout(fire, ms);
          return { cancel: () => clearTimeout(timer) };
        },
      },
      onChange: ({ changed, removed }) => {
        for (const { metadata } of changed) told.push(`+${metadata.name}`);
        for (const { metadata } of removed) told.push(`-${metadata.name}`);
      },
    }),
  );
  return { told, reflector };
}

function put({ stored }: ApiModel, name: string): void {
  stored.set(collection, `shop/${name}`, { metadata: { namespace: 'shop', name } });
}

describe('A connection to the API server', () => {
  it('lists and watches by TLS, and comes back after a restart', async () => {
    const { model, served, client } = await begin();
    put(model, 'a');
    const { told, reflector } = reflect(client);
    await reflector.synced;
    await expect.poll(() => model.openWatches === 1, { timeout: 5000, interval: 10 }).toBe(true);
    put(model, 'b');
    await expect.poll(() => told.length === 2, { timeout: 5000, interval: 10 }).toBe(true);
    for (const socket of served.sockets) socket.destroy();
    await expect.poll(() => model.openWatches === 0, { timeout: 5000, interval: 10 }).toBe(true);
    model.stored.delete(collection, 'shop/a');
    put(model, 'c');
    await expect.poll(() => told.length === 4, { timeout: 5000, interval: 10 }).toBe(true);
    expect(told).toEqual(['+a', '+b', '+c', '-a']);
    expect(served.authorizations.every((one) => one === 'Bearer secret-1')).toBe(true);
  });

  it('is kept for the next request, and a list and a watch have their own', async () => {
    const { model, served, client } = await begin({}, false);
    put(model, 'a');
    for (let time = 0; time < 20; time += 1) await client.get(services, { namespace: 'shop', name: 'a' });
    // While the last bytes of one answer are being read, the next request takes another.
    expect(served.sockets.size).toBeLessThanOrEqual(2);
    const before = served.sockets.size;
    const { reflector } = reflect(client);
    await reflector.synced;
    await expect.poll(() => model.openWatches === 1, { timeout: 5000, interval: 10 }).toBe(true);
    await client.get(services, { namespace: 'shop', name: 'a' });
    expect(served.sockets.size).toBeLessThanOrEqual(before + 2);
  });

  it('is there for other requests while lists hang, and one that waits for it can be given up', async () => {
    const { model, client } = await begin({}, false);
    put(model, 'a');
    let free!: () => void;
    const until = new Promise<undefined>((resolve) => {
      free = () => resolve(undefined);
    });
    model.intercept = ({ path }) => (path.includes('limit') ? until : undefined);
    const lists = Array.from({ length: 16 }, () => client.list(services));
    await client.get(services, { namespace: 'shop', name: 'a' });
    const abort = new AbortController();
    const waiting = client.list(services, { signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ problem: { kind: 'unreachable' } });
    free();
    await Promise.all(lists);
  });

  it('sends the token of now', async () => {
    const { model, served, client, use } = await begin();
    put(model, 'a');
    await client.get(services, { namespace: 'shop', name: 'a' });
    use({ headers: { authorization: 'Bearer secret-2' } });
    await client.get(services, { namespace: 'shop', name: 'a' });
    expect(served.authorizations).toEqual(['Bearer secret-1', 'Bearer secret-2']);
  });

  it('is made anew for other roots, and the watch under way goes on', async () => {
    const { model, client, use } = await begin();
    put(model, 'a');
    const { told, reflector } = reflect(client);
    await reflector.synced;
    await expect.poll(() => model.openWatches === 1, { timeout: 5000, interval: 10 }).toBe(true);
    use({ ca: makeCertificate({ hosts: ['127.0.0.1'] }).certificate });
    await expect(client.get(services, { namespace: 'shop', name: 'a' })).rejects.toThrow(
      /has no answer: .*certificate/,
    );
    put(model, 'b');
    await expect.poll(() => told.length === 2, { timeout: 5000, interval: 10 }).toBe(true);
    use({ ca: certificate });
    await client.get(services, { namespace: 'shop', name: 'a' });
  });

  it('is not made to a server of other roots or another name, and errors show no token', async () => {
    const { served } = await begin();
    for (const wrong of [{ ca: makeCertificate().certificate }, { ca: certificate, serverName: 'other.example' }]) {
      const client = clientOf(served.url, () => ({ headers: { authorization: 'Bearer secret-3' }, ...wrong }));
      const error = await client.list(services).catch((reason: Error) => reason);
      expect(error).toMatchObject({ problem: { kind: 'unreachable' } });
      expect(String(error)).not.toContain('secret-3');
    }
    const client = clientOf(served.url, () => ({
      headers: { authorization: 'Bearer secret-3\nx: y' },
      ca: certificate,
    }));
    const error = await client.list(services).catch((reason: Error) => reason);
    expect(error).toMatchObject({ problem: { kind: 'unreachable' } });
    expect(String(error)).not.toContain('secret-3');
  });

  it('begins below a path, where the URL has one', async () => {
    const { served, model } = await begin({}, false);
    model.intercept = ({ path }) => {
      expect(path).toMatch(/^\/clusters\/one\/api\/v1\/services\?/);
      return undefined;
    };
    await clientOf(`${served.url}/clusters/one`, () => ({ headers: {} }))
      .list(services)
      .catch(() => {});
    expect(model.requests).toHaveLength(1);
  });
});
