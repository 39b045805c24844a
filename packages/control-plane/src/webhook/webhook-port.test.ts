import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { FakeClock } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { openAuthority } from '../ca/open-authority.js';
import type { AdmissionRequest, Verdict } from './admission-review.js';
import { openWebhookPort } from './webhook-port.js';

const open: { close(): unknown }[] = [];
const logger = { info() {}, warn() {}, error() {} };

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(judge: (request: AdmissionRequest) => Verdict) {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const tools = { clock, now: Date.now, logger };
  const authority = await openAuthority({}, tools);
  const results: string[] = [];
  const port = await openWebhookPort({
    ...{ ...tools, authority, judge, hosts: ['127.0.0.1'], count: (result) => results.push(result) },
    at: { host: '127.0.0.1', port: 0, flag: '--webhook-port' },
  });
  open.push(authority, port);
  const call = async (
    body: string,
    headers: OutgoingHttpHeaders = {},
    path = '/validate?timeout=5s',
    method = 'POST',
  ) => {
    const sent = request(`https://${port.address}${path}`, {
      ...{ method, ca: [...authority.roots], agent: false },
      headers: { 'content-type': 'application/json', ...headers },
    });
    sent.end(body);
    const [response] = await once(sent, 'response');
    return { status: response.statusCode as number, body: await text(response) };
  };
  return { call, results, authority };
}

function review(object: object = {}) {
  const request = { uid: 'u-1', operation: 'CREATE', namespace: 'shop', object, dryRun: true };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

describe('The port of the webhook', () => {
  it('answers a review with its uid, by a certificate of our authority', async () => {
    const seen: AdmissionRequest[] = [];
    const { call, results } = await start((request) => {
      seen.push(request);
      return { allowed: false, message: 'spec: is wrong', warnings: ['spec.a: is odd'] };
    });
    const { status, body } = await call(review({ kind: 'VirtualService' }));
    expect({ status, body: JSON.parse(body) }).toEqual({
      status: 200,
      body: {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: {
          ...{ uid: 'u-1', allowed: false, warnings: ['spec.a: is odd'] },
          status: { code: 422, reason: 'Invalid', message: 'spec: is wrong' },
        },
      },
    });
    const object = { kind: 'VirtualService' };
    expect(seen).toEqual([{ uid: 'u-1', operation: 'CREATE', namespace: 'shop', object, oldObject: undefined }]);
    expect(results).toEqual(['denied']);
  });

  it('says nothing more than yes where there is nothing to say', async () => {
    const { call } = await start(() => ({ allowed: true, warnings: [] }));
    expect(JSON.parse((await call(review())).body).response).toEqual({ uid: 'u-1', allowed: true });
  });

  it('refuses what is no review, and what is too large', async () => {
    const { call, results } = await start(() => ({ allowed: true, warnings: [] }));
    expect(await call('{')).toEqual({ status: 400, body: 'the body is not JSON\n' });
    const other = 'the body is not an AdmissionReview of admission.k8s.io/v1\n';
    expect(await call('{"kind":"AdmissionReview"}')).toEqual({ status: 400, body: other });
    expect(await call(review(), { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
    expect(await call('', {}, '/validate', 'GET')).toMatchObject({ status: 405 });
    expect(await call(review(), {}, '/other')).toMatchObject({ status: 404 });
    expect(await call('', { 'content-length': 9 * 1024 * 1024 })).toMatchObject({ status: 413 });
    expect(results).toEqual(Array.from({ length: 6 }, () => 'failed'));
  });

  it('answers on after a review that failed', async () => {
    let isFirst = true;
    const { call } = await start(() => {
      if (!isFirst) return { allowed: true, warnings: [] };
      isFirst = false;
      throw new Error('a defect');
    });
    expect(await call(review())).toEqual({ status: 500, body: 'the review failed\n' });
    expect(await call(review())).toMatchObject({ status: 200 });
  });

  it('has a certificate of the new root when the old one is forgotten', async () => {
    const { call, authority } = await start(() => ({ allowed: true, warnings: [] }));
    await authority.rotate();
    expect(await call(review())).toMatchObject({ status: 200 });
  });
});
