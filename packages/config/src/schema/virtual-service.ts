import { goDuration, headerNameProblem, host, percentage, port, presentOrMatch, stringMatch } from './checks.js';
import {
  anything,
  flag,
  ignored,
  integer,
  list,
  map,
  type ObjectOf,
  object,
  oneOf,
  refused,
  required,
  type TypeOf,
  text,
} from './field.js';

// Istio 1.27 networking/v1alpha3/virtual_service.proto, field by field.

const destination = object({
  host: required(host),
  subset: text(),
  port: object({ number: port }),
});

const headerOperations = 'headers are sent as they are';

const httpRouteDestination = object({
  destination: required(destination),
  weight: integer(0),
  headers: refused(headerOperations),
});

const httpMatch = object({
  name: text(),
  uri: stringMatch,
  scheme: presentOrMatch,
  method: presentOrMatch,
  authority: presentOrMatch,
  headers: map(presentOrMatch, headerNameProblem),
  withoutHeaders: map(presentOrMatch, headerNameProblem),
  queryParams: map(presentOrMatch),
  port,
  ignoreUriCase: flag,
  gateways: list(text()),
  sourceLabels: refused('the rule would apply to every client'),
  sourceNamespace: refused('the rule would apply to clients of every namespace'),
  statPrefix: ignored('statistics keep their names'),
});

const retries = object({
  // The field is an int32; Envoy has no limit of its own.
  attempts: integer(0, 0x7fff_ffff),
  perTryTimeout: goDuration,
  retryOn: text(),
  retryIgnorePreviousHosts: flag,
  backoff: goDuration,
  retryRemoteLocalities: ignored('a retry goes to the localities that a first attempt goes to'),
});

const delay = object({
  percentage,
  percent: integer(0, 100),
  fixedDelay: goDuration,
  exponentialDelay: goDuration,
});

const abort = object({ percentage, httpStatus: integer(200, 599), http2Error: text(), grpcStatus: text() });

const corsPolicy = object({
  allowOrigin: list(text()),
  allowOrigins: list(stringMatch),
  allowMethods: list(text()),
  allowHeaders: list(text()),
  exposeHeaders: list(text()),
  maxAge: goDuration,
  allowCredentials: flag,
  unmatchedPreflights: oneOf('UNSPECIFIED', 'FORWARD', 'IGNORE'),
});

const noCopy = 'no copy of a request is sent';

const httpRoute = object({
  name: text(),
  match: list(httpMatch),
  route: list(httpRouteDestination),
  timeout: goDuration,
  retries,
  redirect: refused('requests would be answered with 404'),
  directResponse: refused('requests would be answered with 404'),
  delegate: refused('the rules of the other VirtualService would be missing'),
  rewrite: refused('the upstream would see another path or host'),
  headers: refused(headerOperations),
  fault: ignored('no delay and no error is injected', object({ delay, abort })),
  mirror: ignored(noCopy, destination),
  mirrors: ignored(noCopy, list(object({ destination: required(destination), percentage }))),
  mirrorPercentage: ignored(noCopy, percentage),
  mirrorPercent: ignored(noCopy, integer(0, 100)),
  mirror_percent: ignored(noCopy, integer(0, 100)),
  corsPolicy: ignored('no CORS headers are added: calls between services need none', corsPolicy),
});

const spec = object({
  hosts: required(list(host, 1)),
  gateways: list(text()),
  http: list(httpRoute),
  tls: ignored('only HTTP is routed; TLS connections go where DNS says', anything),
  tcp: ignored('only HTTP is routed; TCP connections go where DNS says', anything),
  exportTo: ignored('the rules are seen from every namespace', list(text())),
});

export const virtualServiceFields = { spec: required(spec) };

export type VirtualService = ObjectOf<typeof virtualServiceFields>;
export type HttpRule = TypeOf<typeof httpRoute>;
export type HttpMatch = TypeOf<typeof httpMatch>;
export type HttpDestination = TypeOf<typeof httpRouteDestination>;
export type Destination = TypeOf<typeof destination>;
export type Retries = TypeOf<typeof retries>;
export type TextMatch = TypeOf<typeof presentOrMatch>;
