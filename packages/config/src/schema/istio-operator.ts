import { nonEmpty, port, positiveGoDuration } from './checks.js';
import {
  anything,
  flag,
  ignored,
  list,
  type ObjectOf,
  object,
  oneOf,
  openObject,
  refused,
  required,
  type TypeOf,
  text,
  unneeded,
} from './field.js';

// Istio 1.27 operator/pkg/apis/types.go and mesh/v1alpha1/config.proto: of all of it, what other objects refer to.

/** `[namespace/]host` of the service that is asked. */
const service = text((value) => {
  const name = value.slice(value.indexOf('/') + 1);
  return /^[\w*](?:[-\w.]*\w)?$/.test(name) ? undefined : `"${value}" is not of the form host or namespace/host`;
});

const status = text((value) =>
  /^[45]\d\d$/.test(value) ? undefined : `"${value}" is no HTTP status of a refusal, such as "403"`,
);

const common = {
  service: required(service),
  port: required(port),
  timeout: positiveGoDuration,
  failOpen: flag,
  statusOnError: status,
  clearRouteCache: unneeded('requests that come in are not routed', flag),
  includeRequestBodyInCheck: refused('bodies are not sent to who decides'),
};

const headers = list(nonEmpty);

const envoyExtAuthzHttp = object({
  ...common,
  pathPrefix: text((value) => (value === '' || value.startsWith('/') ? undefined : 'must begin with "/"')),
  includeHeadersInCheck: headers,
  includeRequestHeadersInCheck: headers,
  includeAdditionalHeadersInCheck: refused('who decides may rely on it'),
  headersToUpstreamOnAllow: headers,
  headersToDownstreamOnDeny: headers,
  headersToDownstreamOnAllow: headers,
});

const envoyExtAuthzGrpc = object(common);

const otherProvider = unneeded('no AuthorizationPolicy means it', anything);

const extensionProvider = object(
  {
    name: required(nonEmpty),
    envoyExtAuthzHttp,
    envoyExtAuthzGrpc,
    zipkin: otherProvider,
    lightstep: otherProvider,
    datadog: otherProvider,
    stackdriver: otherProvider,
    opencensus: otherProvider,
    skywalking: otherProvider,
    opentelemetry: otherProvider,
    prometheus: otherProvider,
    envoyFileAccessLog: otherProvider,
    envoyHttpAls: otherProvider,
    envoyTcpAls: otherProvider,
    envoyOtelAls: otherProvider,
    sds: otherProvider,
  },
  ['envoyExtAuthzHttp', 'envoyExtAuthzGrpc'],
);

const byOption = 'the option of the same name is what counts';

const meshConfig = openObject({
  extensionProviders: list(extensionProvider),
  // NONE is not among them: policies and handlers would see different paths.
  pathNormalization: object({ normalization: oneOf('DEFAULT', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES') }),
  rootNamespace: ignored(byOption, text()),
  trustDomain: ignored(byOption, text()),
});

export const istioOperatorFields = { spec: openObject({ meshConfig }) };

export type IstioOperator = ObjectOf<typeof istioOperatorFields>;
export type ExtensionProvider = TypeOf<typeof extensionProvider>;
export type HttpAuthorizer = TypeOf<typeof envoyExtAuthzHttp>;
export type GrpcAuthorizer = TypeOf<typeof envoyExtAuthzGrpc>;
