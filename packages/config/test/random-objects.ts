import fc from 'fast-check';
import { makeCertificate } from '../../../test/support/certificates.js';
import type { SourceFile } from '../src/source-file.js';

type Body = Readonly<Record<string, unknown>>;
type Make = (name: string, variant: number) => Body;

const istio = 'networking.istio.io/v1';
const gatewayApi = 'gateway.networking.k8s.io/v1';
const pick = <Item>(items: readonly Item[], variant: number): Item => items[variant % items.length]!;
const bit = (variant: number, index: number) => ((variant >> index) & 1) === 1;

const anAuthority = makeCertificate({ isCa: true }).certificate;

/** Small worlds, so that objects are about each other; each variant is another object of the same name. */
const kinds: Readonly<Record<string, Make>> = {
  Service: (_, v) => ({
    ...{ apiVersion: 'v1', metadata: { annotations: bit(v, 0) ? { 'networking.istio.io/exportTo': '.' } : {} } },
    spec: {
      clusterIP: bit(v, 1) ? 'None' : '10.0.0.1',
      ports: [{ name: 'http', port: 80, targetPort: 8080 }, ...(bit(v, 2) ? [{ name: 'tcp-x', port: 81 }] : [])],
      ...(bit(v, 3) && { internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose' }),
    },
  }),
  EndpointSlice: (name, v) => ({
    ...{ apiVersion: 'discovery.k8s.io/v1', addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }] },
    metadata: { labels: { 'kubernetes.io/service-name': bit(v, 4) ? 'a' : name } },
    endpoints: [0, 1, 2].slice(v % 2).map((index) => ({
      addresses: [`10.1.0.${index}`],
      conditions: { ready: !bit(v, index), serving: bit(v, 3), terminating: bit(v, 2) },
      ...(bit(v, 1) ? { nodeName: 'a', zone: 'z1' } : { nodeName: 'b' }),
      targetRef: { kind: 'Pod', name: pick(['a', 'b', 'c'], index) },
    })),
  }),
  Pod: (name, v) => ({
    apiVersion: 'v1',
    metadata: {
      labels: { app: name, version: pick(['v1', 'v2'], v), ...(bit(v, 1) && { 'security.istio.io/tlsMode': 'istio' }) },
    },
    spec: { serviceAccountName: pick(['x', 'y'], v) },
    status: { podIP: `10.1.0.${v % 4}` },
  }),
  Node: (_, v) => ({
    apiVersion: 'v1',
    metadata: { labels: { 'topology.kubernetes.io/zone': pick(['z1', 'z2'], v) } },
  }),
  VirtualService: (name, v) => ({
    apiVersion: istio,
    spec: {
      ...(!bit(v, 4) && { hosts: [pick([name, 'a', 'gone', '*.com'], v)] }),
      ...(bit(v, 3) && { gateways: ['mesh', 'a'] }),
      ...(bit(v, 5) && { exportTo: ['.'] }),
      http: [
        ...(bit(v, 2)
          ? [{ match: [{ sourceNamespace: 'n2' }, { sourceLabels: { app: 'b' } }], route: [to('b')] }]
          : []),
        ...(bit(v, 1) ? [{ match: [{ uri: { prefix: '/d' } }], delegate: { name: pick(['a', 'b', 'c'], v) } }] : []),
        {
          route: [
            { ...to(name, 'v1'), weight: v % 100 },
            { ...to('a'), weight: 100 - (v % 100) },
          ],
        },
      ],
    },
  }),
  DestinationRule: (name, v) => ({
    apiVersion: istio,
    spec: {
      host: pick([name, 'a', '*.svc.cluster.local'], v),
      ...(bit(v, 0) && { exportTo: ['.'] }),
      trafficPolicy: {
        ...(bit(v, 1) && { outlierDetection: { consecutive5xxErrors: v } }),
        ...(bit(v, 2) && { loadBalancer: { consistentHash: { httpHeaderName: 'x' } } }),
        ...(bit(v, 3) && { tls: { mode: 'ISTIO_MUTUAL' } }),
      },
      subsets: [{ name: 'v1', labels: { version: pick(['v1', 'v2', 'v3'], v) } }],
    },
  }),
  ServiceEntry: (name, v) => ({
    apiVersion: istio,
    spec: {
      hosts: [pick([`${name}.com`, 'a.com'], v)],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      ...(bit(v, 1) ? { workloadSelector: { labels: { app: 'a' } } } : { endpoints: [{ address: `10.2.0.${v}` }] }),
      ...(bit(v, 2) && { exportTo: ['.'] }),
    },
  }),
  WorkloadEntry: (_, v) => ({
    apiVersion: istio,
    spec: { address: `10.3.0.${v}`, labels: { app: pick(['a', 'b'], v) } },
  }),
  Sidecar: (_, v) => ({
    apiVersion: istio,
    spec: { egress: [{ hosts: pick([['./*'], ['*/*'], ['n1/*', '~/*']], v) }] },
  }),
  Gateway: (_, v) => ({
    apiVersion: istio,
    spec: {
      selector: { app: pick(['a', 'b'], v) },
      servers: [{ hosts: ['*'], port: { number: 80 + (v % 2), name: 'http', protocol: 'HTTP' } }],
    },
  }),
  PeerAuthentication: (name, v) => ({
    apiVersion: 'security.istio.io/v1',
    spec: {
      ...(bit(v, 0) && { selector: { matchLabels: { app: name } } }),
      mtls: { mode: pick(['DISABLE', 'STRICT', 'PERMISSIVE'], v) },
    },
  }),
  AuthorizationPolicy: (name, v) => ({
    apiVersion: 'security.istio.io/v1',
    spec: {
      selector: { matchLabels: { app: name } },
      action: 'ALLOW',
      rules: [{ to: [{ operation: { paths: [`/${v}`] } }] }],
    },
  }),
  HTTPRoute: (name, v) => ({
    apiVersion: gatewayApi,
    spec: {
      parentRefs: [{ kind: 'Service', group: '', name: pick(['a', name], v) }],
      rules: [
        {
          backendRefs: [
            { name, port: 80, weight: v },
            { name: pick(['b', 'gone'], v), port: 80, namespace: pick(['n1', 'n2'], v) },
          ],
        },
      ],
    },
  }),
  GRPCRoute: (name, v) => ({
    apiVersion: gatewayApi,
    spec: {
      parentRefs: [
        {
          ...{ kind: 'Service', group: '', name: pick(['a', name], v) },
          ...(bit(v, 2) && { port: 80 }),
          ...(bit(v, 3) && { namespace: 'n1' }),
        },
      ],
      rules: [
        {
          ...(bit(v, 1) && { matches: [{ method: { service: `s${v}` } }] }),
          backendRefs: [{ name: pick(['b', 'gone'], v), port: 80, namespace: pick(['n1', 'n2'], v) }],
        },
      ],
    },
  }),
  BackendTLSPolicy: (name, v) => ({
    apiVersion: gatewayApi,
    spec: {
      targetRefs: [
        { group: '', kind: 'Service', name: pick([name, 'a'], v), ...(bit(v, 2) && { sectionName: 'http' }) },
      ],
      validation: {
        hostname: 'a.example',
        ...(bit(v, 1)
          ? { wellKnownCACertificates: 'System' }
          : { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: pick(['a', 'b'], v) }] }),
      },
    },
  }),
  ConfigMap: (_, v) => ({ apiVersion: 'v1', data: bit(v, 1) ? { 'ca.crt': anAuthority } : {} }),
  RequestAuthentication: (name, v) => ({
    apiVersion: 'security.istio.io/v1',
    spec: { selector: { matchLabels: { app: name } }, jwtRules: [{ issuer: `i${v}`, jwks: '{"keys":[]}' }] },
  }),
  ReferenceGrant: (_, v) => ({
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    spec: {
      from: ['HTTPRoute', 'GRPCRoute'].slice(v % 3).map((kind) => ({
        ...{ group: 'gateway.networking.k8s.io', kind, namespace: pick(['n1', 'n2'], v) },
      })),
      to: [{ group: '', kind: 'Service' }],
    },
  }),
};

function to(host: string, subset?: string) {
  return { destination: { host, ...(subset !== undefined && { subset }) } };
}

export interface Change {
  readonly path: string;
  /** Undefined: it is gone. */
  readonly file: SourceFile | undefined;
}

/** An object of any kind comes, changes or goes. */
export const change: fc.Arbitrary<Change> = fc
  .record({
    kind: fc.constantFrom(...Object.keys(kinds), 'limits'),
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('n1', 'n1', 'n2'),
    variant: fc.nat(63),
    isGone: fc.nat(5).map((value) => value === 0),
  })
  .map(({ kind, name, namespace, variant, isGone }) => {
    const path = `${kind}/${namespace}/${name}`;
    return { path, file: isGone ? undefined : fileOf(path, kind, { name, namespace }, variant) };
  });

function fileOf(path: string, kind: string, id: { name: string; namespace: string }, variant: number): SourceFile {
  if (kind === 'limits') return limitsFile(`${path}.yaml`, variant);
  const { metadata, ...body } = kinds[kind]!(id.name, variant);
  const object = { ...body, kind, metadata: { ...(metadata as Body | undefined), ...id } };
  return { path, text: JSON.stringify(object), object };
}

/** Of one name for each file: of two of a name the first counts, whichever that is. */
function limitsFile(path: string, variant: number): SourceFile {
  const limit = { name: path, requests: 1 + variant, per: '1s', ...(bit(variant, 0) && { destination: 'a' }) };
  return { path, text: JSON.stringify({ limits: [limit] }) };
}
