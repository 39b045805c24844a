import { gatewayDuration, nonEmpty, objectName, port } from './checks.js';
import {
  anything,
  checked,
  flag,
  ignored,
  integer,
  list,
  type ObjectOf,
  object,
  oneOf,
  refused,
  required,
  type TypeOf,
  text,
  words,
} from './field.js';
import { headerText } from './header-checks.js';
import {
  asTheyAre,
  backendReference,
  commonRouteSpec,
  headerModifiers,
  nameMatch,
  ofRefusedType,
  requestMirror,
  sessionPersistence,
} from './route-parts.js';

// Gateway API 1.4 apis/v1/httproute_types.go, experimental fields included.

const pathMatch = object({ type: oneOf('Exact', 'PathPrefix', 'RegularExpression'), value: text() });

const match = object({
  path: pathMatch,
  headers: list(nameMatch),
  queryParams: list(nameMatch),
  method: oneOf('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'),
});

const pathModifier = object(
  {
    type: required(oneOf('ReplaceFullPath', 'ReplacePrefixMatch')),
    replaceFullPath: headerText,
    replacePrefixMatch: headerText,
  },
  ['replaceFullPath', 'replacePrefixMatch'],
);

const redirectCodes = [301, 302, 303, 307, 308];

const requestRedirect = object({
  scheme: oneOf('http', 'https'),
  hostname: objectName,
  path: pathModifier,
  port,
  statusCode: checked<number>((value) =>
    redirectCodes.some((code) => code === value)
      ? undefined
      : `${JSON.stringify(value)} is none of ${redirectCodes.join(', ')}`,
  ),
});

const cors = object({
  allowOrigins: list(nonEmpty),
  allowCredentials: flag,
  allowMethods: list(nonEmpty),
  allowHeaders: list(nonEmpty),
  exposeHeaders: list(nonEmpty),
  maxAge: integer(1, 0x7fff_ffff),
});

const urlRewrite = object({ hostname: objectName, path: pathModifier });

const filter = object({
  type: required(
    words({
      RequestHeaderModifier: undefined,
      ResponseHeaderModifier: undefined,
      RequestMirror: undefined,
      RequestRedirect: undefined,
      URLRewrite: undefined,
      CORS: undefined,
      ExternalAuth: refused('no service would be asked whether a request is allowed'),
      ExtensionRef: asTheyAre,
    }),
  ),
  ...headerModifiers,
  requestMirror,
  requestRedirect,
  urlRewrite,
  cors,
  externalAuth: ignored(ofRefusedType, anything),
  extensionRef: ignored(ofRefusedType, anything),
});

const forOneBackend = 'for a single backend only headers are changed; give it to the whole rule';

const backendFilter = object({
  type: required(
    words({
      RequestHeaderModifier: undefined,
      ResponseHeaderModifier: undefined,
      RequestMirror: refused(forOneBackend),
      RequestRedirect: refused(forOneBackend),
      URLRewrite: refused(forOneBackend),
      CORS: refused(forOneBackend),
      ExternalAuth: refused('no service would be asked whether a request is allowed'),
      ExtensionRef: asTheyAre,
    }),
  ),
  ...headerModifiers,
  requestMirror: ignored(ofRefusedType, requestMirror),
  requestRedirect: ignored(ofRefusedType, requestRedirect),
  urlRewrite: ignored(ofRefusedType, urlRewrite),
  cors: ignored(ofRefusedType, cors),
  externalAuth: ignored(ofRefusedType, anything),
  extensionRef: ignored(ofRefusedType, anything),
});

const backendRef = object({
  ...backendReference,
  weight: integer(0, 1_000_000),
  filters: list(backendFilter),
});

const rule = object({
  name: text(),
  matches: list(match),
  filters: list(filter),
  backendRefs: list(backendRef),
  timeouts: object({ request: gatewayDuration, backendRequest: gatewayDuration }),
  retry: object({ codes: list(integer(400, 599)), attempts: integer(0, 0x7fff_ffff), backoff: gatewayDuration }),
  sessionPersistence,
});

const spec = object({ ...commonRouteSpec, rules: list(rule) });

export const httpRouteFields = { spec: required(spec) };

const grantFrom = object({ group: required(text()), kind: required(nonEmpty), namespace: required(nonEmpty) });
const grantTo = object({ group: required(text()), kind: required(nonEmpty), name: text() });

export const referenceGrantFields = {
  spec: required(object({ from: required(list(grantFrom)), to: required(list(grantTo)) })),
};

export type HttpRoute = ObjectOf<typeof httpRouteFields>;
export type HttpRouteRule = TypeOf<typeof rule>;
export type HttpRouteMatch = TypeOf<typeof match>;
export type BackendRef = TypeOf<typeof backendRef>;
export type RouteFilter = TypeOf<typeof filter>;
export type BackendFilter = TypeOf<typeof backendFilter>;
export type PathModifier = TypeOf<typeof pathModifier>;
export type RequestRedirect = TypeOf<typeof requestRedirect>;
export type RouteCors = TypeOf<typeof cors>;
export type ReferenceGrant = ObjectOf<typeof referenceGrantFields>;
