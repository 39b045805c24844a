import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../../test/support/certificates.js';
import { openClient } from '../../kubernetes/client/open-client.js';
import { tokenReview } from './token-review.js';

const { certificate, key } = makeCertificate({ hosts: ['127.0.0.1'] });
const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0)) close();
});

interface Asked {
  readonly path: string | undefined;
  readonly authorization: string | undefined;
  readonly body: { readonly spec: object };
}

function clientOf(server: string, timeoutMs: number, ca = certificate) {
  const headers = { authorization: 'Bearer own token' };
  const access = { server, namespace: 'default', description: 'test', forget() {} };
  const client = openClient({ ...access, credentials: async () => ({ headers, ca }) }, timeoutMs);
  open.push(() => void client.close());
  return client;
}

/** An API server that answers every question with the same. */
async function apiServer(answer: unknown, { statusCode = 201, silent = false } = {}) {
  const asked: Asked[] = [];
  const server = createServer({ cert: certificate, key }, async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push({ path: request.url, authorization: request.headers.authorization, body: JSON.parse(text) });
    if (silent) return;
    response.writeHead(statusCode).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const authenticator = tokenReview({
    client: clientOf(url, silent ? 100 : 5000),
    audiences: ['istio-ca', 'inmesh'],
    trustDomain: 'cluster.local',
  });
  const judge = (bearer: string | undefined = 'their token') =>
    authenticator.authenticate({ bearer, certificate: undefined });
  return { asked, judge };
}

const username = 'system:serviceaccount:shop:reviews';
const good = { status: { authenticated: true, audiences: ['istio-ca'], user: { username } } };

describe('A TokenReview', () => {
  it('says whose a token is, for the audiences that were asked for', async () => {
    const { asked, judge } = await apiServer(good);
    expect(await judge()).toMatchObject({
      ok: true,
      identity: { spiffeId: 'spiffe://cluster.local/ns/shop/sa/reviews', namespace: 'shop' },
    });
    expect(asked).toEqual([
      {
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        authorization: 'Bearer own token',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          spec: { token: 'their token', audiences: ['istio-ca', 'inmesh'] },
        },
      },
    ]);
  });

  it('is not made without a token', async () => {
    const { asked, judge } = await apiServer(good);
    const answer = tokenReview({
      client: clientOf('https://127.0.0.1:1', 100),
      ...{ audiences: [], trustDomain: 'a' },
    }).authenticate({ bearer: undefined, certificate: undefined });
    expect(await answer).toBeUndefined();
    await judge();
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['does not know', { status: { authenticated: false, error: 'no' } }, 'bad_token'],
    ['says "true" of, as text', { status: { ...good.status, authenticated: 'true' } }, 'bad_token'],
    ['knows for another audience', { status: { ...good.status, audiences: ['api'] } }, 'wrong_audience'],
    ['knows for no audience', { status: { ...good.status, audiences: undefined } }, 'wrong_audience'],
    ['has from a person', { status: { ...good.status, user: { username: 'admin' } } }, 'bad_token'],
    ['has from a node', { status: { ...good.status, user: { username: 'system:node:a' } } }, 'bad_token'],
    ['has from nobody', { status: { ...good.status, user: undefined } }, 'bad_token'],
    ['answers nothing about', {}, 'bad_token'],
    ['answers null about', null, 'bad_token'],
    ['answers garbage about', 'garbage', 'unavailable'],
  ])('refuses a token that the API server %s', async (_name, answer, reason) => {
    const { judge } = await apiServer(answer);
    expect(await judge()).toMatchObject({ ok: false, reason });
  });

  it('that cannot be made is no yes, and shows no token', async () => {
    const forbidden = await apiServer(good, { statusCode: 403 });
    expect(await forbidden.judge()).toMatchObject({ reason: 'unavailable', detail: expect.stringContaining('403') });
    const silent = await apiServer(good, { silent: true });
    const answer = await silent.judge();
    expect(answer).toMatchObject({ ok: false, reason: 'unavailable' });
    expect(JSON.stringify(answer)).not.toMatch(/own token|their token/);
    const foreign = makeCertificate().certificate;
    const authenticator = tokenReview({
      client: clientOf('https://127.0.0.1:1', 5000, foreign),
      ...{ audiences: ['a'], trustDomain: 'a' },
    });
    expect(await authenticator.authenticate({ bearer: 'x', certificate: undefined })).toMatchObject({
      reason: 'unavailable',
    });
  });
});
