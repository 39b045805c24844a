import { goDuration, headerNameProblem, host, labels, nonEmpty, port } from './checks.js';
import {
  anything,
  checked,
  flag,
  ignored,
  integer,
  list,
  map,
  number,
  type ObjectOf,
  object,
  oneOf,
  refused,
  required,
  type TypeOf,
  text,
} from './field.js';

// Istio 1.27 networking/v1alpha3/destination_rule.proto, field by field.

/** Envoy's own limits. */
const maxRingSize = 8_388_608;
const maxTableSize = 5_000_011;

const tableSize = checked<number>((value) =>
  typeof value === 'number' && value <= maxTableSize && isPrime(value)
    ? undefined
    : `should be a prime up to ${maxTableSize}, such as 65537`,
);

function isPrime(value: number): boolean {
  if (!Number.isInteger(value) || value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor += 1) if (value % divisor === 0) return false;
  return true;
}

const consistentHash = object(
  {
    httpHeaderName: text(headerNameProblem),
    httpCookie: object({
      name: required(nonEmpty),
      path: text(),
      ttl: goDuration,
      attributes: ignored('the cookie has its path and its life time only', list(anything)),
    }),
    useSourceIp: flag,
    httpQueryParameterName: nonEmpty,
    minimumRingSize: integer(0, maxRingSize),
    ringHash: object({ minimumRingSize: integer(0, maxRingSize) }),
    maglev: object({ tableSize }),
  },
  ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
  ['ringHash', 'maglev'],
);

const warmup = object({ duration: required(goDuration), minimumPercent: number(0, 100), aggression: number(1, 1e9) });

/** `*`, `region`, `region/*`, `region/zone`, `region/zone/*` or `region/zone/subzone`. */
const localityPattern = text(localityPatternProblem);

function localityPatternProblem(value: string): string | undefined {
  const parts = value.split('/');
  const isWrong =
    parts.length > 3 || parts.some((part, index) => part === '' || (part === '*' && index + 1 < parts.length));
  return isWrong ? `"${value}" is no locality such as region/zone/*` : undefined;
}

const localityLbSetting = object(
  {
    distribute: list(
      object({ from: required(localityPattern), to: required(map(integer(1, 100), localityPatternProblem)) }),
    ),
    failover: list(object({ from: required(nonEmpty), to: required(nonEmpty) })),
    failoverPriority: list(nonEmpty),
    enabled: flag,
  },
  ['distribute', 'failover'],
  ['distribute', 'failoverPriority'],
);

const loadBalancer = object(
  {
    simple: oneOf('UNSPECIFIED', 'ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH'),
    consistentHash,
    localityLbSetting,
    warmupDurationSecs: goDuration,
    warmup,
  },
  ['simple', 'consistentHash'],
  ['warmupDurationSecs', 'warmup'],
);

const connectionPool = object({
  tcp: object({
    maxConnections: integer(0, 0x7fff_ffff),
    connectTimeout: goDuration,
    tcpKeepalive: object({ probes: integer(), time: goDuration, interval: goDuration }),
    maxConnectionDuration: goDuration,
    idleTimeout: goDuration,
  }),
  http: object({
    http1MaxPendingRequests: integer(0, 0x7fff_ffff),
    http2MaxRequests: integer(0, 0x7fff_ffff),
    maxRequestsPerConnection: integer(0, 0x7fff_ffff),
    maxRetries: integer(0, 0x7fff_ffff),
    idleTimeout: goDuration,
    maxConcurrentStreams: integer(0, 0x7fff_ffff),
    h2UpgradePolicy: ignored('the protocol is that of the port', oneOf('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE')),
    useClientProtocol: ignored('the protocol is that of the port', flag),
  }),
});

const outlierDetection = object({
  splitExternalLocalOriginErrors: flag,
  consecutiveLocalOriginFailures: integer(),
  consecutiveGatewayErrors: integer(),
  consecutive5xxErrors: integer(),
  consecutiveErrors: ignored(
    'as Istio does, which counts consecutive5xxErrors and consecutiveGatewayErrors',
    integer(),
  ),
  interval: goDuration,
  baseEjectionTime: goDuration,
  maxEjectionPercent: integer(0, 100),
  minHealthPercent: integer(0, 100),
  outlierDetectionHttpErrorCodes: list(integer(100, 599)),
});

const tls = object({
  mode: oneOf('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'),
  clientCertificate: nonEmpty,
  privateKey: nonEmpty,
  caCertificates: nonEmpty,
  caCrl: refused('certificates that were revoked would be taken'),
  credentialName: nonEmpty,
  subjectAltNames: list(nonEmpty),
  sni: nonEmpty,
  insecureSkipVerify: flag,
});

const portSelector = object({ number: port });

const portTrafficPolicy = object({
  port: required(portSelector),
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls,
});

const trafficPolicy = object({
  loadBalancer,
  connectionPool,
  outlierDetection,
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
  exportTo: list(nonEmpty),
  workloadSelector: object({ matchLabels: labels }),
});

export const destinationRuleFields = { spec: required(spec) };

export type DestinationRule = ObjectOf<typeof destinationRuleFields>;
export type TrafficPolicy = TypeOf<typeof trafficPolicy>;
export type PortTrafficPolicy = TypeOf<typeof portTrafficPolicy>;
export type LoadBalancer = TypeOf<typeof loadBalancer>;
export type ConsistentHash = TypeOf<typeof consistentHash>;
export type LocalityLbSetting = TypeOf<typeof localityLbSetting>;
export type ConnectionPool = TypeOf<typeof connectionPool>;
export type OutlierDetection = TypeOf<typeof outlierDetection>;
export type TlsSettings = TypeOf<typeof tls>;
export type Subset = TypeOf<typeof subset>;
