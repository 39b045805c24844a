import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { ApiModel, answer, failure, statusOf } from '../../../test/support/kubernetes/api-model.js';
import { KubernetesClient } from './client.js';
import type { ResourceType } from './objects.js';
import { KubernetesError, type KubernetesProblem } from './problem.js';
import type { TransportRequest } from './transport.js';

const services: ResourceType = { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true };
const routes: ResourceType = {
  ...{ group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', kind: 'HTTPRoute', namespaced: true },
};
const name = { namespace: 'shop', name: 'a' };

function begin({ random = () => 0.5 } = {}) {
  const model = new ApiModel();
  const clock = new FakeClock();
  return { model, clock, client: new KubernetesClient({ transport: model, clock, random, timeoutMs: 1000 }) };
}

async function problemFrom(asked: Promise<unknown>): Promise<KubernetesProblem> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof KubernetesError) return error.problem;
  throw new Error(`no KubernetesError but ${error}`);
}

function sent({ requests }: ApiModel) {
  const { method, path, body, headers } = requests.at(-1) as TransportRequest;
  return { method, path, type: headers['content-type'], body: body === undefined ? undefined : JSON.parse(body) };
}

describe('The Kubernetes client', () => {
  it('creates, reads, updates and deletes', async () => {
    const { client, model } = begin();
    const made = await client.create(services, { metadata: name });
    expect(sent(model)).toEqual({
      method: 'POST',
      path: '/api/v1/namespaces/shop/services?fieldManager=inmesh',
      type: 'application/json',
      body: { apiVersion: 'v1', kind: 'Service', metadata: name },
    });
    expect(await client.get(services, name)).toEqual(made);
    const labelled = await client.update(services, { ...made, metadata: { ...made.metadata, labels: { a: 'b' } } });
    expect(labelled.metadata.labels).toEqual({ a: 'b' });
    expect(await problemFrom(client.update(services, made))).toMatchObject({ kind: 'conflict' });
    expect(await problemFrom(client.create(services, { metadata: name }))).toMatchObject({ kind: 'already_exists' });
    await client.delete(services, name, { preconditions: { uid: 'x' }, propagationPolicy: 'Background' });
    expect(sent(model).body).toMatchObject({ kind: 'DeleteOptions', preconditions: { uid: 'x' } });
    expect(await problemFrom(client.get(services, name))).toMatchObject({ kind: 'not_found', what: 'object' });
  });

  it('patches by merge, by JSON patch and by apply, the status too', async () => {
    const { client, model } = begin();
    await client.create(routes, { metadata: name });
    await client.patch(routes, name, { kind: 'merge', body: { spec: { a: 1 } } });
    expect(sent(model)).toMatchObject({ type: 'application/merge-patch+json', body: { spec: { a: 1 } } });
    model.intercept = () => answer(200, {});
    await client.patch(routes, name, { kind: 'json', body: [{ op: 'remove', path: '/spec' }] }, { dryRun: true });
    expect(sent(model)).toEqual({
      method: 'PATCH',
      path: '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/a?fieldManager=inmesh&dryRun=All',
      type: 'application/json-patch+json',
      body: [{ op: 'remove', path: '/spec' }],
    });
    const status = { parents: [] };
    await client.patch(...([routes, name, { kind: 'apply', body: { status }, force: true }] as const), {
      subresource: 'status',
      fieldManager: 'inmesh-status',
    });
    expect(sent(model)).toEqual({
      method: 'PATCH',
      path: '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/a/status?fieldManager=inmesh-status&force=true',
      type: 'application/apply-patch+yaml',
      body: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', status },
    });
    await client.update(routes, { metadata: name }, { subresource: 'status' });
    expect(sent(model)).toMatchObject({ method: 'PUT', path: expect.stringContaining('/httproutes/a/status?') });
  });

  it('says what an answer means', async () => {
    const { client, model } = begin();
    const said = async (code: number, status: object, retryAfter?: string) => {
      model.intercept = () => answer(code, status, retryAfter);
      return await problemFrom(client.create(services, { metadata: name }));
    };
    expect(await said(403, statusOf(403, 'Forbidden', 'services is forbidden'))).toEqual({
      kind: 'forbidden',
      message: 'POST /api/v1/namespaces/shop/services was answered with 403: services is forbidden',
    });
    const causes = { causes: [{ field: 'spec.ports', message: 'Required value' }] };
    expect(await said(422, statusOf(422, 'Invalid', 'no', causes))).toMatchObject({
      kind: 'invalid',
      causes: ['spec.ports: Required value'],
    });
    expect(await said(410, statusOf(410, 'Expired', 'no'))).toMatchObject({ kind: 'gone' });
    expect(await said(404, {})).toMatchObject({ kind: 'not_found', what: 'type' });
    expect(await said(500, statusOf(500, 'InternalError', 'no'))).toMatchObject({ kind: 'busy', code: 500 });
    expect(await said(405, statusOf(405, 'MethodNotAllowed', 'no'))).toMatchObject({ kind: 'failed', code: 405 });
    expect(await said(429, statusOf(429, 'TooManyRequests', 'no', { retryAfterSeconds: 60 }))).toMatchObject({
      kind: 'busy',
      retryAfterMs: 60_000,
    });
    model.intercept = () => ({ status: 200, retryAfter: undefined, body: garbage() });
    expect(await problemFrom(client.get(services, name))).toMatchObject({ kind: 'failed' });
  });

  it('comes again after Retry-After and a little, three times', async () => {
    const { client, model, clock } = begin();
    model.intercept = () => failure(503, 'ServiceUnavailable', 'no', '2');
    const problem = problemFrom(client.create(services, { metadata: name }));
    await clock.advanceAsync(2099);
    expect(model.requests).toHaveLength(1);
    await clock.advanceAsync(1);
    expect(model.requests).toHaveLength(2);
    await clock.advanceAsync(10_000);
    expect(await problem).toMatchObject({ kind: 'busy', retryAfterMs: 2000 });
    expect(model.requests).toHaveLength(4);
  });

  it('does not repeat a write that may have happened', async () => {
    const { client, model, clock } = begin();
    model.intercept = () => failure(504, 'Timeout', 'no', '1');
    const problem = problemFrom(client.create(services, { metadata: name }));
    await clock.advanceAsync(5000);
    expect(await problem).toMatchObject({ kind: 'busy', code: 504 });
    expect(model.requests).toHaveLength(1);
  });

  it('reads its credentials anew when they were refused, once', async () => {
    const { client, model } = begin();
    model.intercept = () => (model.forgotten === 0 ? failure(401, 'Unauthorized', 'no') : undefined);
    await client.create(services, { metadata: name });
    expect(model.forgotten).toBe(1);
    model.intercept = () => failure(401, 'Unauthorized', 'no');
    expect(await problemFrom(client.get(services, name))).toMatchObject({ kind: 'unauthorized' });
    expect(model.forgotten).toBe(2);
  });

  it('gives up an answer that does not come', async () => {
    const { client, model, clock } = begin();
    model.intercept = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const problem = problemFrom(client.get(services, name));
    await clock.advanceAsync(1000);
    expect(await problem).toEqual({
      kind: 'timeout',
      message: 'GET /api/v1/namespaces/shop/services/a had no answer within 1000 ms',
    });
    expect(clock.pendingTimers).toBe(0);
  });

  it('knows by discovery whether a kind is there', async () => {
    const { client, model } = begin();
    model.known.add('/apis/gateway.networking.k8s.io/v1/httproutes');
    expect(await client.serves(routes)).toBe(true);
    expect(await client.serves({ ...routes, plural: 'grpcroutes' })).toBe(false);
    expect(await client.serves({ ...routes, version: 'v1alpha2' })).toBe(false);
    model.isDown = true;
    expect(await problemFrom(client.serves(routes))).toMatchObject({ kind: 'unreachable' });
  });
});

async function* garbage(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode('garbage');
}
