import { describe, expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { closeAfterEach } from '../support/seeds.js';
import {
  authoritiesYaml,
  authority,
  bankYaml,
  handshake,
  hostname,
  policyYaml,
  startBank,
} from '../support/tls-bank.js';
import { adsVariants } from './support/envoy-bootstrap.js';
import { joinEnvoy, refusals } from './support/envoy-mesh.js';

const keep = closeAfterEach();
const ours = authority('ours');
const theirs = authority('theirs');
const bySystem = { caCertificateRefs: [], wellKnownCACertificates: 'System' };

const ruleYaml = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: bank }
spec: { host: bank, trafficPolicy: { tls: { mode: SIMPLE } } }
`;

describe.each(adsVariants)('An Envoy over ADS by %s', (variant) => {
  async function join(identity: ReturnType<typeof ours.issue>, ...texts: string[]) {
    const bank = keep(await startBank(identity));
    const folder = keep(new ConfigFolder());
    folder.write('all.yaml', [bankYaml(bank.port), ...texts].join(''));
    const mesh = await joinEnvoy(keep, folder, variant);
    const { envoy } = mesh;
    const failed = (what: string) => envoy.stat(`cluster.outbound|80||bank.default.svc.cluster.local.ssl.${what}`);
    return { bank, folder, mesh, envoy, failed };
  }

  it('speaks the TLS of a BackendTLSPolicy, and takes the new authorities when its ConfigMap changes', async () => {
    const { bank, folder, mesh, envoy } = await join(ours.issue([hostname]), policyYaml());
    expect(await envoy.answer('bank')).toContain('503');
    folder.write('ca.yaml', authoritiesYaml(ours.certificate));
    await envoy.waitFor('TLS', async () => (await envoy.answer('bank')) === '200 done');
    bank.show(theirs.issue(['*.example']));
    expect(await envoy.answer('bank')).toContain('503');
    folder.write('ca.yaml', authoritiesYaml(theirs.certificate));
    await envoy.waitFor('the new authority', async () => (await envoy.answer('bank')) === '200 done');
    expect([new Set(bank.requests), bank.firstBytes]).toEqual([new Set([hostname]), new Set([handshake])]);
    expect(await refusals(mesh)).toEqual([]);
  });

  it.each([
    ['a certificate for another name', ours.issue(['other.example']), [policyYaml()], 'fail_verify_san'],
    ['an authority that the system does not know', ours.issue([hostname]), [policyYaml(bySystem)], 'fail_verify_error'],
    ['the same, by a DestinationRule', ours.issue(['bank']), [ruleYaml], 'fail_verify_error'],
  ])('sends nothing to a server with %s', async (_, identity, texts, stat) => {
    const { bank, mesh, envoy, failed } = await join(identity, ...texts, authoritiesYaml(ours.certificate));
    expect(await envoy.answer('bank')).toContain('503');
    expect(await failed(stat)).toBeGreaterThan(0);
    expect([bank.requests, bank.firstBytes]).toEqual([[], new Set([handshake])]);
    expect(await refusals(mesh)).toEqual([]);
  });
});
