import { fromBinary } from '@bufbuild/protobuf';
import { decodeResources } from '@inmesh/xds';
import { UpstreamTlsContextSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../../test/support/certificates.js';
import { issuesOf, load, loadWith } from '../../../test/support.js';
import type { LoadedConfig } from '../../index.js';

const first = makeCertificate({ hosts: ['first'], isCa: true }).certificate;
const second = makeCertificate({ hosts: ['second'], isCa: true }).certificate;

const document = (object: object) => `---\n${JSON.stringify(object)}\n`;

function policy(validation: object, target: object = {}, metadata: object = {}): string {
  const targetRefs = [{ group: '', kind: 'Service', name: 'shop', ...target }];
  return document({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'BackendTLSPolicy',
    metadata: { name: 'shop', ...metadata },
    spec: { targetRefs, validation: { hostname: 'shop.example', ...validation } },
  });
}

function configMap(name: string, data: unknown, namespace = 'default'): string {
  return document({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
}

const ref = (name: string) => ({ group: '', kind: 'ConfigMap', name });
const byMaps = (...names: string[]) => ({ caCertificateRefs: names.map(ref) });
const bySystem = { wellKnownCACertificates: 'System' };

const shop = document({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop' },
  spec: {
    ports: [
      { name: 'http', port: 80 },
      { name: 'grpc', port: 81 },
    ],
  },
});

const cluster = (port: number, subset = '') => `outbound|${port}|${subset}|shop.default.svc.cluster.local`;

function tlsOf({ resources }: LoadedConfig, port = 80, subset = '') {
  const decoded = decodeResources(resources);
  expect(decoded.errors).toEqual([]);
  const transport = decoded.resources.clusters.get(cluster(port, subset))?.transport;
  return transport?.kind === 'tls' ? transport.tls : transport;
}

function said(...texts: string[]): string[] {
  return issuesOf(...texts).map((line) => line.replace(/^\w\.yaml:\d+:\d+: /, ''));
}

describe('A BackendTLSPolicy', () => {
  it('is TLS for all ports of its Service, by the name of the host, without a certificate of ours', () => {
    const config = load(shop + policy(bySystem));
    const tls = {
      ...{ certificate: undefined, trust: { kind: 'system' }, sni: 'shop.example' },
      ...{ subjectAltNames: [], dnsNames: ['shop.example'], skipVerify: false },
    };
    expect([tlsOf(config), tlsOf(config, 81)]).toEqual([tls, tls]);
    expect(config.issues).toEqual([]);
  });

  it('for a port goes before one for the Service, whichever is older', () => {
    const whole = policy(bySystem, {}, { creationTimestamp: '2026-01-01T00:00:00Z' });
    const port = policy({ ...bySystem, hostname: 'grpc.example' }, { sectionName: 'grpc' }, { name: 'port' });
    const config = load(shop + whole + port);
    expect([tlsOf(config), tlsOf(config, 81)]).toMatchObject([{ sni: 'shop.example' }, { sni: 'grpc.example' }]);
    expect(config.issues).toEqual([]);
  });

  it('that is older goes first, then that of the earlier name, and the other is told', () => {
    const named = (name: string, day?: number) =>
      policy(
        { ...bySystem, hostname: `${name}.example` },
        {},
        {
          name,
          ...(day !== undefined && { creationTimestamp: `2026-01-0${day}T00:00:00Z` }),
        },
      );
    expect(tlsOf(load(shop + named('a', 2) + named('b', 1)))).toMatchObject({ sni: 'b.example' });
    expect(tlsOf(load(shop + named('b', 1) + named('a', 1)))).toMatchObject({ sni: 'a.example' });
    expect(said(shop + named('b') + named('a'))).toEqual([
      'warning: BackendTLSPolicy default/b: spec.targetRefs[0]: BackendTLSPolicy default/a (a.yaml:6) is for the same target, and goes first: not used',
    ]);
  });

  it('has the names of subjectAltNames in the place of the host, which is sent all the same', () => {
    const subjectAltNames = [
      { type: 'Hostname', hostname: 'cert.example' },
      { type: 'URI', uri: 'spiffe://example/a' },
    ];
    expect(tlsOf(load(shop + policy({ ...bySystem, subjectAltNames })))).toMatchObject({
      sni: 'shop.example',
      dnsNames: ['cert.example'],
      subjectAltNames: [{ kind: 'exact', value: 'spiffe://example/a' }],
    });
  });

  it('trusts the certificates of its ConfigMaps, whoever the client is', () => {
    const maps = configMap('a', { 'ca.crt': first }) + configMap('b', { 'ca.crt': second, other: 'x' });
    const config = loadWith({ client: { namespace: 'other' } }, shop + maps + policy(byMaps('a', 'b')));
    const name = 'configmap://default/a+b';
    expect(tlsOf(config)).toMatchObject({ trust: { kind: 'secret', name } });
    const type = config.resources.secrets?.get(name)?.type;
    const source = type?.case === 'validationContext' ? type.value.trustedCa?.specifier : undefined;
    expect(String(source?.value)).toBe(first + second);
    expect(config.client.namespace).toBe(false);
    expect(config.issues).toEqual([]);
  });

  it('reads no ConfigMap but those that it names', () => {
    const config = load(shop + configMap('a', { 'ca.crt': 'none' }) + configMap('b', ['?']) + policy(bySystem));
    expect([config.issues, config.resources.secrets?.size]).toEqual([[], 0]);
  });

  it.each([
    ['is not there', byMaps('ca'), '', 'name: there is no ConfigMap "ca" in the namespace default'],
    [
      'is in another namespace',
      byMaps('ca'),
      configMap('ca', { 'ca.crt': first }, 'other'),
      'name: there is no ConfigMap "ca" in the namespace default',
    ],
    [
      'has no such key',
      byMaps('ca'),
      configMap('ca', { ca: first }),
      'name: data["ca.crt"] of ConfigMap default/ca is missing or empty',
    ],
    [
      'has no text',
      byMaps('ca'),
      configMap('ca', { 'ca.crt': 5 }),
      'name: data["ca.crt"] of ConfigMap default/ca should be a text',
    ],
    [
      'is no PEM',
      byMaps('ca'),
      configMap('ca', { 'ca.crt': 'x' }),
      'name: data["ca.crt"] of ConfigMap default/ca has no certificate in PEM',
    ],
    [
      'is malformed',
      byMaps('ca'),
      configMap('ca', { 'ca.crt': first.replace(/\n.{20}/, '\n') }),
      'name: data["ca.crt"] of ConfigMap default/ca certificate 1 of 1 is malformed',
    ],
    [
      'is of another kind',
      { caCertificateRefs: [{ group: '', kind: 'Secret', name: 'ca' }] },
      '',
      'kind: authorities are read from a ConfigMap only, not from a Secret',
    ],
  ])('trusts nobody when what it names %s: it is TLS still, with the reason', (_, validation, more, why) => {
    const config = load(shop + more + policy(validation));
    const reason = `BackendTLSPolicy default/shop trusts nobody: ${why.replace(/^\w+: /, '')}`;
    expect(tlsOf(config)).toMatchObject({ trust: { kind: 'nobody', reason } });
    expect(said(shop + more + policy(validation))).toEqual([
      expect.stringContaining(`spec.validation.caCertificateRefs[0].${why}: connections fail`),
    ]);
    expect(config.issues[0]?.severity).toBe('warning');
  });

  it('goes on with those of its ConfigMaps that can be used', () => {
    const text = shop + configMap('a', { 'ca.crt': first }) + policy(byMaps('a', 'gone'));
    expect(tlsOf(load(text))).toMatchObject({ trust: { kind: 'secret', name: 'configmap://default/a' } });
    expect(said(text)).toEqual([
      expect.stringContaining('caCertificateRefs[1].name: there is no ConfigMap "gone" in the namespace default'),
    ]);
  });

  it.each([
    [policy({}), 'spec.validation: names no authorities: nobody could be trusted'],
    [
      policy({ ...bySystem, ...byMaps('a') }),
      'spec.validation: only one of caCertificateRefs, wellKnownCACertificates may be given',
    ],
    [policy({ wellKnownCACertificates: 'Mine' }), '"Mine" is none of System'],
    [policy({ ...bySystem, hostname: '10.0.0.1' }), '"10.0.0.1" is an IP address'],
    [policy({ ...bySystem, hostname: '*.example' }), '"*.example" is no host name'],
    [policy({ ...bySystem, subjectAltNames: [{ type: 'URI' }] }), 'subjectAltNames[0].uri: is missing'],
    [
      policy({ ...bySystem, subjectAltNames: [{ type: 'Hostname', hostname: 'a', uri: 'a:b' }] }),
      'subjectAltNames[0].uri: may not be given: the type is Hostname',
    ],
  ])('is refused where the API server would refuse it: %#', (text, expected) => {
    expect(said(shop + text)[0]).toContain(`error: BackendTLSPolicy default/shop: `);
    expect(said(shop + text)[0]).toContain(expected);
  });

  it.each([
    [{ name: 'gone' }, 'targetRefs[0].name: there is no Service "gone" in the namespace default'],
    [
      { sectionName: 'none' },
      'targetRefs[0].sectionName: shop.default.svc.cluster.local has no port of the name "none"',
    ],
    [{ group: 'x.io', kind: 'Pool' }, 'targetRefs[0].kind: a target of the kind Pool is not supported'],
  ])('says which target it is not for: %j', (target, expected) => {
    expect(said(shop + policy(bySystem, target))).toEqual([expect.stringContaining(expected)]);
    expect(tlsOf(load(shop + policy(bySystem, target)))).toEqual({ kind: 'plaintext' });
  });

  it('fills in what a DestinationRule leaves out, and gives way to its tls', () => {
    const rule = (spec: object) =>
      document({ apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'r' }, spec });
    const none = rule({ host: 'shop', trafficPolicy: { outlierDetection: {} }, subsets: [{ name: 'v1' }] });
    const filled = load(shop + policy(bySystem) + none);
    expect([tlsOf(filled), tlsOf(filled, 80, 'v1')]).toMatchObject([{ sni: 'shop.example' }, { sni: 'shop.example' }]);
    const portLevelSettings = [{ port: { number: 80 }, tls: { mode: 'SIMPLE', sni: 'rule.example' } }];
    const given = shop + policy(bySystem) + rule({ host: 'shop', trafficPolicy: { portLevelSettings } });
    expect([tlsOf(load(given)), tlsOf(load(given), 81)]).toMatchObject([
      { sni: 'rule.example' },
      { sni: 'shop.example' },
    ]);
    expect(said(given)).toEqual([
      expect.stringContaining(
        'not used for shop.default.svc.cluster.local: a DestinationRule says tls.mode SIMPLE for it',
      ),
    ]);
  });

  it('goes before the mutual TLS that endpoints of the mesh take by themselves', () => {
    const endpoints = [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'shop' } }];
    const labels = { 'security.istio.io/tlsMode': 'istio' };
    const meshed =
      document({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shop', labels } }) +
      document({
        ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints },
        metadata: { name: 'shop', labels: { 'kubernetes.io/service-name': 'shop' } },
        ports: [{ name: 'http', port: 8080 }],
      });
    expect(tlsOf(load(shop + meshed))).toMatchObject({ kind: 'byEndpoint' });
    expect(tlsOf(load(shop + meshed + policy(bySystem)))).toMatchObject({ sni: 'shop.example' });
  });
});

describe('A BackendTLSPolicy for an Envoy', () => {
  function contextFor(...texts: string[]) {
    const { resources } = loadWith({ client: { kind: 'envoy', namespace: 'default' } }, ...texts);
    const config = resources.clusters.get(cluster(80))?.transportSocket?.configType;
    if (config?.case !== 'typedConfig') return undefined;
    const { sni, commonTlsContext } = fromBinary(UpstreamTlsContextSchema, config.value.value);
    return { sni, ...commonTlsContext?.validationContextType };
  }

  it('names the file of the system, since Envoy reads none by itself', () => {
    const trustedCa = { specifier: { case: 'filename', value: '/etc/ssl/certs/ca-certificates.crt' } };
    const matchTypedSubjectAltNames = [{ matcher: { matchPattern: { case: 'exact', value: 'shop.example' } } }];
    expect(contextFor(shop + policy(bySystem))).toMatchObject({
      sni: 'shop.example',
      value: { trustedCa, matchTypedSubjectAltNames },
    });
  });

  it('without authorities takes a certificate that nobody has', () => {
    expect(contextFor(shop + policy(byMaps('gone')))).toMatchObject({
      sni: 'shop.example',
      case: 'validationContext',
      value: { verifyCertificateHash: ['0'.repeat(64)] },
    });
  });
});
