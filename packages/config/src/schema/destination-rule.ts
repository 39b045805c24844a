import { goDuration, host, labels, nonEmpty, port } from './checks.js';
import {
  anything,
  flag,
  ignored,
  integer,
  list,
  number,
  type ObjectOf,
  object,
  oneOf,
  refused,
  required,
  type TypeOf,
  text,
  words,
} from './field.js';

// Istio 1.27 networking/v1alpha3/destination_rule.proto, field by field.

const roundRobinInstead = 'requests are spread by round robin';

const loadBalancer = object(
  {
    simple: words({
      UNSPECIFIED: undefined,
      ROUND_ROBIN: undefined,
      LEAST_REQUEST: undefined,
      LEAST_CONN: undefined,
      RANDOM: undefined,
      PASSTHROUGH: refused('the address that the caller asked for is not known'),
    }),
    consistentHash: ignored(roundRobinInstead, anything),
    localityLbSetting: ignored('localities are not told apart', anything),
    warmupDurationSecs: ignored('a new endpoint gets its full share at once', goDuration),
    warmup: ignored('a new endpoint gets its full share at once', anything),
  },
  ['simple', 'consistentHash'],
);

const keepsConnections = 'connections are kept as the transport sees fit';

const connectionPool = object({
  tcp: object({
    maxConnections: integer(0, 0x7fff_ffff),
    connectTimeout: goDuration,
    tcpKeepalive: ignored(keepsConnections, anything),
    maxConnectionDuration: ignored(keepsConnections, goDuration),
    idleTimeout: ignored(keepsConnections, goDuration),
  }),
  http: object({
    http1MaxPendingRequests: integer(0, 0x7fff_ffff),
    http2MaxRequests: integer(0, 0x7fff_ffff),
    maxRequestsPerConnection: integer(0, 0x7fff_ffff),
    maxRetries: integer(0, 0x7fff_ffff),
    idleTimeout: ignored(keepsConnections, goDuration),
    maxConcurrentStreams: ignored(keepsConnections, integer()),
    h2UpgradePolicy: ignored('the protocol is that of the port', oneOf('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE')),
    useClientProtocol: ignored('the protocol is that of the port', flag),
  }),
});

const outlierDetection = object({
  splitExternalLocalOriginErrors: flag,
  consecutiveLocalOriginFailures: integer(),
  consecutiveGatewayErrors: integer(),
  consecutive5xxErrors: integer(),
  consecutiveErrors: integer(),
  interval: goDuration,
  baseEjectionTime: goDuration,
  maxEjectionPercent: integer(0, 100),
  minHealthPercent: integer(0, 100),
  outlierDetectionHttpErrorCodes: list(integer(100, 599)),
});

const tls = object({
  mode: words({
    DISABLE: undefined,
    // The destination is the same, and a server that insists on mutual TLS refuses plain text itself.
    ISTIO_MUTUAL: ignored('connections are made in plain text, without identity'),
    // What goes to a host outside of the mesh must not leave it in clear text.
    SIMPLE: refused('connections would be made in plain text'),
    MUTUAL: refused('connections would be made in plain text'),
  }),
  clientCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
  caCrl: text(),
  credentialName: text(),
  subjectAltNames: list(text()),
  sni: text(),
  insecureSkipVerify: flag,
});

const portSelector = object({ number: port });

const ejectsNothing = 'no endpoint is ejected';

const portTrafficPolicy = object({
  port: required(portSelector),
  loadBalancer,
  connectionPool,
  outlierDetection: ignored(ejectsNothing, outlierDetection),
  tls,
});

const trafficPolicy = object({
  loadBalancer,
  connectionPool,
  outlierDetection: ignored(ejectsNothing, outlierDetection),
  tls,
  portLevelSettings: list(portTrafficPolicy),
  retryBudget: object({ percent: number(0, 100), minRetryConcurrency: integer() }),
  tunnel: refused('requests would go directly and not through the tunnel'),
  proxyProtocol: refused('the upstream expects a PROXY header'),
});

const subset = object({ name: required(nonEmpty), labels, trafficPolicy });

const spec = object({
  host: required(host),
  trafficPolicy,
  subsets: list(subset),
  exportTo: ignored('the rule is seen from every namespace', list(text())),
  workloadSelector: ignored('the rule applies to every client', anything),
});

export const destinationRuleFields = { spec: required(spec) };

export type DestinationRule = ObjectOf<typeof destinationRuleFields>;
export type TrafficPolicy = TypeOf<typeof trafficPolicy>;
export type PortTrafficPolicy = TypeOf<typeof portTrafficPolicy>;
export type Subset = TypeOf<typeof subset>;
