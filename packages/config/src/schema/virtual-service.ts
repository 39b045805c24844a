import { base64Decode } from '@bufbuild/protobuf/wire';
import {
  goDuration,
  headerNameProblem,
  host,
  labels,
  namespaceName,
  nonEmpty,
  objectName,
  percentage,
  port,
  presentOrMatch,
  regex,
  stringMatch,
} from './checks.js';
import {
  anything,
  checked,
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

import { grpcStatusNames } from './grpc-status.js';
import {
  headerText,
  headerValue,
  writableHeader,
  writableHeaderProblem,
  writableRequestHeaderProblem,
} from './header-checks.js';

// Istio 1.27 networking/v1alpha3/virtual_service.proto, field by field.

const destination = object({
  host: required(host),
  subset: text(),
  port: object({ number: port }),
});

const headerOperations = object({
  request: object({
    set: map(headerValue, writableRequestHeaderProblem),
    add: map(headerValue, writableRequestHeaderProblem),
    remove: list(writableHeader),
  }),
  response: object({
    set: map(headerValue, writableHeaderProblem),
    add: map(headerValue, writableHeaderProblem),
    remove: list(writableHeader),
  }),
});

const httpRouteDestination = object({
  destination: required(destination),
  weight: integer(0),
  headers: headerOperations,
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
  sourceLabels: labels,
  sourceNamespace: namespaceName,
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
  exponentialDelay: refused('only a fixed delay can be injected'),
});

const abort = object({
  percentage,
  httpStatus: integer(200, 599),
  grpcStatus: oneOf(...grpcStatusNames),
  http2Error: refused('errors of HTTP/2 frames cannot be injected'),
});

const fault = object({ delay, abort });

const redirectCodes = [301, 302, 303, 307, 308];

const redirect = object(
  {
    uri: headerText,
    authority: headerText,
    port,
    derivePort: oneOf('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
    scheme: oneOf('http', 'https'),
    // Envoy has no other codes; 0 is not given, as everywhere in protobuf.
    redirectCode: checked<number>((value) =>
      value === 0 || redirectCodes.some((code) => code === value)
        ? undefined
        : `${JSON.stringify(value)} is none of ${redirectCodes.join(', ')}`,
    ),
  },
  ['port', 'derivePort'],
);

const directResponse = object({
  status: required(integer(200, 599)),
  body: object({ string: text(), bytes: text(base64Problem) }, ['string', 'bytes']),
});

const rewrite = object(
  {
    uri: headerText,
    authority: headerText,
    uriRegexRewrite: object({ match: required(regex), rewrite: required(nonEmpty) }),
  },
  ['uri', 'uriRegexRewrite'],
);

const mirrorPolicy = object({ destination: required(destination), percentage });

/** Where there is no namespace, the one of the VirtualService itself. */
const delegate = object({ name: required(objectName), namespace: namespaceName });

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

const httpRoute = object({
  name: text(),
  match: list(httpMatch),
  route: list(httpRouteDestination),
  timeout: goDuration,
  retries,
  redirect,
  directResponse,
  delegate,
  rewrite,
  headers: headerOperations,
  fault,
  mirror: destination,
  mirrors: list(mirrorPolicy),
  mirrorPercentage: percentage,
  mirrorPercent: integer(0, 100),
  // What protobuf calls the one above.
  mirror_percent: integer(0, 100),
  corsPolicy,
});

const spec = object({
  // None in what other VirtualServices delegate to.
  hosts: list(host),
  gateways: list(text()),
  http: list(httpRoute),
  tls: ignored('only HTTP is routed; TLS connections go where DNS says', anything),
  tcp: ignored('only HTTP is routed; TCP connections go where DNS says', anything),
  exportTo: list(nonEmpty),
});

export const virtualServiceFields = { spec: required(spec) };

export type VirtualService = ObjectOf<typeof virtualServiceFields>;
export type HttpRule = TypeOf<typeof httpRoute>;
export type HttpMatch = TypeOf<typeof httpMatch>;
export type HttpDestination = TypeOf<typeof httpRouteDestination>;
export type Destination = TypeOf<typeof destination>;
export type HeaderOperations = TypeOf<typeof headerOperations>;
export type Fault = TypeOf<typeof fault>;
export type CorsPolicy = TypeOf<typeof corsPolicy>;
export type Redirect = TypeOf<typeof redirect>;
export type DirectResponse = TypeOf<typeof directResponse>;
export type Rewrite = TypeOf<typeof rewrite>;
export type Delegate = TypeOf<typeof delegate>;
export type Retries = TypeOf<typeof retries>;
export type TextMatch = TypeOf<typeof presentOrMatch>;

function base64Problem(value: string): string | undefined {
  try {
    base64Decode(value);
    return undefined;
  } catch {
    return 'is not base64';
  }
}
