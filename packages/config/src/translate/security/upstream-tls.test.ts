import type { Endpoint, UpstreamTransport } from '@inmesh/core';
import { decodeResources, formatResourceError } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, service } from '../../../test/support.js';

function rule(tls: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: shop }
spec: { host: shop, trafficPolicy: { tls: ${tls} } }
`;
}

const slice = `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: shop-1, labels: { kubernetes.io/service-name: shop } }
addressType: IPv4
ports: [{ name: http-80, port: 8080 }]
endpoints:
  - { addresses: [10.0.0.1], targetRef: { kind: Pod, name: a } }
  - { addresses: [10.0.0.2], targetRef: { kind: Pod, name: b } }
`;

function pod(name: string, spec: string, labels = 'security.istio.io/tlsMode: istio'): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { ${labels} } }
spec: ${spec}
`;
}

function decoded(...texts: string[]) {
  const { resources } = load(texts.join(''));
  const { errors, resources: read } = decodeResources(resources);
  expect(errors.map(formatResourceError)).toEqual([]);
  return read;
}

const shop = 'outbound|80||shop.default.svc.cluster.local';

function transportOf(text: string, cluster = shop): UpstreamTransport | undefined {
  return decoded(text).clusters.get(cluster)?.transport;
}

function endpointsOf(text: string, cluster = shop): Endpoint[] {
  const localities = decoded(text).assignments.get(cluster)?.localities ?? [];
  return localities.flatMap(({ endpoints }) => [...endpoints]);
}

const mesh = service('shop', 80) + slice + pod('a', '{ serviceAccountName: first }') + pod('b', '{}', 'app: b');

describe('Without a rule', () => {
  it('each endpoint decides: those with the label are spoken to by mutual TLS', () => {
    expect(transportOf(mesh)).toMatchObject({
      kind: 'byEndpoint',
      tls: {
        certificate: { kind: 'workload' },
        trust: { kind: 'workload' },
        sni: 'outbound_.80_._.shop.default.svc.cluster.local',
      },
    });
    expect(endpointsOf(mesh).map(({ meshTls }) => meshTls)).toEqual([true, false]);
  });

  it('the identities of all endpoints are expected', () => {
    expect(transportOf(mesh)).toMatchObject({
      tls: {
        subjectAltNames: [
          { kind: 'exact', value: 'spiffe://cluster.local/ns/default/sa/default' },
          { kind: 'exact', value: 'spiffe://cluster.local/ns/default/sa/first' },
        ],
      },
    });
  });

  it('plain text is spoken where nobody has the label', () => {
    expect(transportOf(service('shop', 80) + slice)).toEqual({ kind: 'plaintext' });
  });

  it('plain text is spoken to those that take nothing else', () => {
    const disabled = `---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: p }
spec: { selector: { matchLabels: { security.istio.io/tlsMode: istio } }, portLevelMtls: { 8080: { mode: DISABLE } } }
`;
    expect(transportOf(mesh + disabled)).toEqual({ kind: 'plaintext' });
    expect(endpointsOf(mesh + disabled).map(({ meshTls }) => meshTls)).toEqual([false, false]);
  });

  const entry = (location: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: e }
spec:
  hosts: [vm.example]
  location: ${location}
  subjectAltNames: [spiffe://cluster.local/ns/vm/sa/all]
  ports: [{ number: 80, name: http }]
  resolution: STATIC
  endpoints: [{ address: 10.0.0.1, serviceAccount: vm, labels: { security.istio.io/tlsMode: istio } }]
`;

  it('hosts outside of the mesh are spoken to in plain text, those inside by their names', () => {
    expect(transportOf(entry('MESH_EXTERNAL'), 'outbound|80||vm.example')).toEqual({ kind: 'plaintext' });
    expect(transportOf(entry('MESH_INTERNAL'), 'outbound|80||vm.example')).toMatchObject({
      kind: 'byEndpoint',
      tls: {
        subjectAltNames: [
          { value: 'spiffe://cluster.local/ns/default/sa/vm' },
          { value: 'spiffe://cluster.local/ns/vm/sa/all' },
        ],
      },
    });
  });
});

describe('A rule', () => {
  it('of mode DISABLE speaks plain text to all', () => {
    expect(transportOf(mesh + rule('{ mode: DISABLE }'))).toEqual({ kind: 'plaintext' });
    expect(transportOf(mesh + rule('{}'))).toEqual({ kind: 'plaintext' });
  });

  it('of mode ISTIO_MUTUAL speaks mutual TLS to all', () => {
    expect(transportOf(mesh + rule('{ mode: ISTIO_MUTUAL }'))).toMatchObject({
      kind: 'tls',
      tls: { certificate: { kind: 'workload' }, trust: { kind: 'workload' }, subjectAltNames: { length: 2 } },
    });
    const named = rule('{ mode: ISTIO_MUTUAL, sni: other, subjectAltNames: [spiffe://x/y] }');
    expect(transportOf(mesh + named)).toMatchObject({
      tls: { sni: 'other', subjectAltNames: [{ kind: 'exact', value: 'spiffe://x/y' }] },
    });
  });

  it('of mode SIMPLE checks the name of the host against what the system trusts', () => {
    expect(transportOf(mesh + rule('{ mode: SIMPLE }'))).toEqual({
      kind: 'tls',
      tls: {
        certificate: undefined,
        trust: { kind: 'system' },
        sni: 'shop.default.svc.cluster.local',
        subjectAltNames: [],
        skipVerify: false,
      },
    });
  });

  it('of mode MUTUAL shows the certificate of its files or of a Secret', () => {
    const files = rule('{ mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem }');
    expect(transportOf(mesh + files)).toMatchObject({
      tls: {
        certificate: { kind: 'files', certificateChain: '/c.pem', privateKey: '/k.pem' },
        trust: { kind: 'file', authorities: '/ca.pem' },
      },
    });
    expect(transportOf(mesh + rule('{ mode: MUTUAL, credentialName: s }'))).toMatchObject({
      tls: {
        certificate: { kind: 'secret', name: 'kubernetes://s' },
        trust: { kind: 'secret', name: 'kubernetes://s-cacert' },
      },
    });
  });

  it('may look at no certificate, which is warned of', () => {
    const open = rule('{ mode: SIMPLE, insecureSkipVerify: true }');
    expect(transportOf(mesh + open)).toMatchObject({ tls: { skipVerify: true } });
    expect(issuesOf(mesh + open)).toEqual([expect.stringContaining('whoever answers is taken for the host')]);
  });

  it('of a port or of a subset replaces that of the host', () => {
    const ofPort = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: shop }
spec:
  host: shop
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL }
    portLevelSettings: [{ port: { number: 81 }, tls: { mode: SIMPLE } }, { port: { number: 82 }, loadBalancer: { simple: RANDOM } }]
  subsets: [{ name: v1, labels: { app: b }, trafficPolicy: { tls: { mode: DISABLE } } }]
`;
    const text = service('shop', 80, 81, 82) + slice + pod('b', '{}', 'app: b') + ofPort;
    const kinds = ['80|', '80|v1', '81|', '82|'].map(
      (port) => transportOf(text, `outbound|${port}|shop.default.svc.cluster.local`)?.kind,
    );
    expect(kinds).toEqual(['tls', 'plaintext', 'tls', 'plaintext']);
  });

  it.each([
    ['{ mode: MUTUAL }', 'MUTUAL needs a certificate'],
    ['{ mode: SIMPLE, clientCertificate: /c.pem }', 'no certificate is shown: use MUTUAL'],
    ['{ mode: ISTIO_MUTUAL, caCertificates: /ca.pem }', 'its own certificate is shown'],
    ['{ mode: SIMPLE, credentialName: a, caCertificates: /ca.pem }', 'credentialName names the certificates already'],
    ['{ mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a] }', 'may not stand beside'],
    ['{ mode: SIMPLE, caCrl: /crl.pem }', 'certificates that were revoked would be taken'],
    ['{ mode: TLS }', 'is none of DISABLE, SIMPLE, MUTUAL, ISTIO_MUTUAL'],
  ])('is refused when it contradicts itself: %s', (tls, message) => {
    expect(issuesOf(mesh + rule(tls))).toEqual([expect.stringContaining(message)]);
  });
});
