import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../support/certificates.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { closeAfterEach } from '../support/seeds.js';
import { adsVariants } from './support/envoy-bootstrap.js';
import { joinEnvoy, refusals } from './support/envoy-mesh.js';
import { fixedPort } from './support/fixed-port.js';
import { type TlsListener, tlsListener } from './support/tls-listener.js';

const keep = closeAfterEach();

const ca = { hosts: ['authority'], ...makeCertificate({ hosts: ['authority'], isCa: true }) };
const host = 'shop.example';
const issue = (name = host) => makeCertificate({ hosts: [name], issuer: ca });

const secretYaml = ({ certificate, key }: TestCertificate, authorities?: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'shop-cert', namespace: 'default' },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': certificate, 'tls.key': key, ...(authorities !== undefined && { 'ca.crt': authorities }) },
  });

const fingerprintOf = ({ certificate }: TestCertificate) => new X509Certificate(certificate).fingerprint256;

/** What is answered to a call on a connection of its own, and by which certificate. */
async function call(port: number, client?: TestCertificate): Promise<{ answer: string; certificate: string }> {
  const own = client === undefined ? {} : { cert: client.certificate, key: client.key };
  const sent = request({ port, host: '127.0.0.1', servername: host, ca: ca.certificate, agent: false, ...own });
  sent.end();
  const [response] = await once(sent, 'response');
  const certificate = (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
  let body = '';
  for await (const chunk of response) body += chunk;
  return { answer: `${response.statusCode} ${body}`, certificate };
}

describe.each(adsVariants)('An Envoy over ADS by %s', (variant) => {
  async function secured(secret: string, names: Omit<TlsListener, 'port'>) {
    const folder = keep(new ConfigFolder());
    folder.write('service.yaml', serviceYaml('reviews', []));
    folder.write('secret.yaml', secret);
    const port = await fixedPort();
    const mesh = await joinEnvoy(keep, folder, variant, { listeners: [tlsListener({ port, ...names })] });
    return { folder, mesh, port };
  }

  it('serves with the certificate of a Secret, and with the new one after a save', async () => {
    const [first, second] = [issue(), issue()];
    const { folder, mesh, port } = await secured(secretYaml(first), { certificate: 'kubernetes://shop-cert' });
    expect(await call(port)).toEqual({ answer: '200 secured', certificate: fingerprintOf(first) });
    folder.write('secret.yaml', secretYaml(second));
    const isNew = async () => (await call(port)).certificate === fingerprintOf(second);
    await mesh.envoy.waitFor('the new certificate', isNew);
    const types = (await mesh.server.clients()).flatMap((client) => client.types);
    expect(types.find(({ typeUrl }) => typeUrl.endsWith('.Secret'))?.subscribed).toEqual(['kubernetes://shop-cert']);
    expect(await refusals(mesh)).toEqual([]);
  });

  it('takes only clients whose authorities a Secret has', async () => {
    const server = issue();
    const names = { certificate: 'kubernetes://shop-cert', authorities: 'kubernetes://shop-cert-cacert' };
    const { mesh, port } = await secured(secretYaml(server, ca.certificate), names);
    expect(await call(port, issue('caller'))).toMatchObject({ answer: '200 secured' });
    await expect(call(port)).rejects.toThrow(/certificate required/i);
    await expect(call(port, makeCertificate({ hosts: ['stranger'] }))).rejects.toThrow(/unknown ca|bad certificate/i);
    expect(await refusals(mesh)).toEqual([]);
  });

  it('keeps its certificate when one is saved that is broken', async () => {
    const good = issue();
    const { folder, mesh, port } = await secured(secretYaml(good), { certificate: 'kubernetes://shop-cert' });
    folder.write('secret.yaml', secretYaml({ ...good, key: issue().key }));
    const isSaid = () => mesh.server.lines.some((line) => line.includes('is not the key of the certificate'));
    await mesh.envoy.waitFor('the error', isSaid);
    expect(await call(port)).toEqual({ answer: '200 secured', certificate: fingerprintOf(good) });
  });
});
