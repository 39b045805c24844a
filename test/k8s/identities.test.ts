import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer } from './support/api-server.js';
import { serviceAccountIssuer } from './support/api-server-flags.js';
import { makeNamespace, serviceAccountToken, startPod } from './support/cluster-objects.js';
import { pod, serviceAccount } from './support/objects.js';
import { listPath, pathOf } from './support/resource-path.js';

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, 'shop');
  await server.api.apply(serviceAccount('shop', 'cart'));
});

afterAll(() => server?.close());

async function review(token: string, audience: string) {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [audience] } };
  const answer = await server.api.request('POST', listPath(body.apiVersion, body.kind), body);
  return answer.body.status;
}

describe('tokens of ServiceAccounts', () => {
  it('pass a review for the audience that they are for, and no other', async () => {
    const token = await serviceAccountToken(server.api, 'shop', 'cart', { audiences: ['istio-ca'] });
    expect(await review(token, 'istio-ca')).toMatchObject({
      authenticated: true,
      audiences: ['istio-ca'],
      user: { username: 'system:serviceaccount:shop:cart' },
    });
    expect(await review(token, 'another')).not.toHaveProperty('authenticated', true);
    expect(await review(`${token}x`, 'istio-ca')).not.toHaveProperty('authenticated', true);
  });

  it('name the pod that they are bound to, and are worth nothing without it', async () => {
    await startPod(server.api, 'shop', 'cart-1', { ip: '10.0.0.7', serviceAccountName: 'cart' });
    const { body } = await server.api.request('GET', pathOf(pod('shop', 'cart-1')));
    const bound = { name: 'cart-1', uid: body.metadata.uid! };
    const bind = () => serviceAccountToken(server.api, 'shop', 'cart', { audiences: ['istio-ca'], pod: bound });
    // What has passed a review is believed for 10 s more, hence another.
    const [token, unseen] = [await bind(), await bind()];
    expect(await review(token, 'istio-ca')).toMatchObject({
      authenticated: true,
      user: { extra: { 'authentication.kubernetes.io/pod-name': ['cart-1'] } },
    });
    await server.api.remove(pod('shop', 'cart-1'));
    expect(await review(unseen, 'istio-ca')).not.toHaveProperty('authenticated', true);
  });

  it('are signed by keys that anyone can ask for who is allowed to', async () => {
    const { body } = await server.api.request('GET', '/.well-known/openid-configuration');
    expect(body).toMatchObject({ issuer: serviceAccountIssuer });
  });

  it('may do what a role allows, with kubectl too', async () => {
    const token = await serviceAccountToken(server.api, 'shop', 'cart');
    const pods = listPath('v1', 'Pod', 'shop');
    expect(await server.api.request('GET', pods, undefined, { token })).toMatchObject({
      status: 403,
      body: { reason: 'Forbidden' },
    });

    await server.kubectl('create', 'role', 'reader', '--namespace=shop', '--verb=list', '--resource=pods');
    const binding = ['--namespace=shop', '--role=reader', '--serviceaccount=shop:cart'];
    await server.kubectl('create', 'rolebinding', 'reader', ...binding);
    const kubeconfig = server.kubeconfigOf(token);
    const listed = await server.kubectl(
      'get',
      'pods',
      '--namespace=shop',
      '--output=name',
      `--kubeconfig=${kubeconfig}`,
    );
    expect(listed).toBe('');
    expect(await server.api.request('GET', pods, undefined, { token })).toMatchObject({ status: 200 });
  });
});
