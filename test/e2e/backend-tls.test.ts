import * as grpc from '@grpc/grpc-js';
import { startControlPlane } from '@inmesh/control-plane';
import { createMesh, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { ConfigFolder } from '../support/config-folder.js';
import { keep } from '../support/keep.js';
import {
  authoritiesYaml,
  authority,
  bankYaml,
  handshake,
  hostname,
  policyYaml,
  startBank,
} from '../support/tls-bank.js';

const ours = authority('ours');
const theirs = authority('theirs');
const ofBank = ours.issue([hostname]);

const bank = async (identity = ofBank) => keep(await startBank(identity));
const configMapYaml = (text = ours.certificate) => authoritiesYaml(text);

async function meshOf(...texts: string[]): Promise<Mesh> {
  const config = keep(new ConfigFolder());
  config.write('all.yaml', texts.join(''));
  const mesh = keep(await createMesh({ config: config.path }));
  await mesh.ready();
  return mesh;
}

async function get(mesh: Mesh): Promise<string> {
  try {
    const response = await mesh.fetch('http://bank/');
    return `${response.status} ${await response.text()}`;
  } catch (error) {
    const { cause = error } = error as Error;
    return String((cause as Error).message);
  }
}

describe('A BackendTLSPolicy', () => {
  it('has calls of http URLs go by TLS, with the host as SNI', async () => {
    const { port, requests, firstBytes } = await bank();
    expect(await get(await meshOf(bankYaml(port), policyYaml(), configMapYaml()))).toBe('200 done');
    expect([requests, [...firstBytes]]).toEqual([[hostname], [handshake]]);
  });

  it('takes a certificate whose wildcard is for the host', async () => {
    const { port } = await bank(ours.issue(['*.example']));
    expect(await get(await meshOf(bankYaml(port), policyYaml(), configMapYaml()))).toBe('200 done');
  });

  it('takes one with one of subjectAltNames, and then not for its host', async () => {
    const { port } = await bank(ours.issue([hostname], ['spiffe://example/bank']));
    const names = (uri: string) => policyYaml({ subjectAltNames: [{ type: 'URI', uri }] });
    const answer = async (uri: string) => await get(await meshOf(bankYaml(port), names(uri), configMapYaml()));
    expect(await answer('spiffe://example/bank')).toBe('200 done');
    expect(await answer('spiffe://example/shop')).toContain('unexpected_identity');
  });

  it.each([
    ['a certificate for another name', ours.issue(['other.example']), [configMapYaml()], 'unexpected_identity'],
    ['a certificate without names', ours.issue([]), [configMapYaml()], 'unexpected_identity'],
    ['another authority', theirs.issue([hostname]), [configMapYaml()], 'unable to verify the first certificate'],
    ['no ConfigMap', ofBank, [], 'trusts nobody: there is no ConfigMap "bank-ca" in the namespace default'],
    ['a ConfigMap that is broken', ofBank, [configMapYaml('x')], 'data["ca.crt"] of ConfigMap default/bank-ca has no'],
  ])('refuses a server with %s, says why, and sends nothing in plain text', async (_, identity, maps, expected) => {
    const { port, requests, firstBytes } = await bank(identity);
    const mesh = await meshOf(bankYaml(port), policyYaml(), ...maps);
    expect(await get(mesh)).toContain(expected);
    expect(requests).toEqual([]);
    expect([...firstBytes].filter((byte) => byte !== handshake)).toEqual([]);
  });

  it('of the system trusts what Node does, and not the authorities of a test', async () => {
    const { port, requests } = await bank();
    const validation = { caCertificateRefs: [], wellKnownCACertificates: 'System' };
    const answer = await get(await meshOf(bankYaml(port), policyYaml(validation)));
    expect(answer).toMatch(/self-signed certificate in|unable to verify/);
    expect(requests).toEqual([]);
  });

  it('takes the new authorities when its ConfigMap changes, and none when it is gone', async () => {
    const { port, requests, show } = await bank();
    const config = keep(new ConfigFolder());
    config.write('service.yaml', bankYaml(port) + policyYaml());
    config.write('ca.yaml', configMapYaml());
    const logger = { info() {}, warn() {}, error() {} };
    const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
    const server = keep(await startControlPlane({ config: [config.path], logger, ...ports }));
    const mesh = keep(await createMesh({ xds: server.addresses.xds }));
    await mesh.ready();
    expect(await get(mesh)).toBe('200 done');
    show(theirs.issue([hostname]));
    expect(await get(mesh)).toContain('unable to verify');
    config.write('ca.yaml', configMapYaml(theirs.certificate));
    await expect.poll(() => get(mesh), { timeout: 10_000 }).toBe('200 done');
    config.remove('ca.yaml');
    await expect.poll(() => get(mesh), { timeout: 10_000 }).toContain('there is no ConfigMap "bank-ca"');
    const { length } = requests;
    expect(await get(mesh)).toContain('there is no ConfigMap "bank-ca"');
    expect(requests).toHaveLength(length);
  });

  it('holds for gRPC as well', async () => {
    const { certificate, key } = ofBank;
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
    const server = keep(await grpcServer({ credentials: grpc.ServerCredentials.createSsl(null, [pair]) }));
    const call = async (...maps: string[]) => {
      const mesh = await meshOf(bankYaml(server.port), policyYaml(), ...maps);
      return await unary(keep(mesh.grpc.client(TestService, 'bank:80')));
    };
    expect((await call(configMapYaml())).response?.username).toBe('a');
    const { error } = await call();
    expect([error?.code, error?.details]).toEqual([
      grpc.status.UNAVAILABLE,
      expect.stringContaining('there is no ConfigMap "bank-ca"'),
    ]);
  });
});
