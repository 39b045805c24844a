import { gatewayDuration, nonEmpty, port } from './checks.js';
import {
  anything,
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
} from './field.js';

// Gateway API 1.4 apis/v1/httproute_types.go, experimental fields included.

const parentRef = object({
  group: text(),
  kind: text(),
  namespace: text(),
  name: required(nonEmpty),
  sectionName: text(),
  port,
});

const pathMatch = object({ type: oneOf('Exact', 'PathPrefix', 'RegularExpression'), value: text() });

const nameMatch = object({
  type: oneOf('Exact', 'RegularExpression'),
  name: required(nonEmpty),
  value: required(text()),
});

const match = object({
  path: pathMatch,
  headers: list(nameMatch),
  queryParams: list(nameMatch),
  method: oneOf('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'),
});

const filtersAreLost = 'requests would be forwarded as they are';

const backendRef = object({
  group: text(),
  kind: text(),
  name: required(nonEmpty),
  namespace: text(),
  port,
  weight: integer(0, 1_000_000),
  filters: refused(filtersAreLost),
});

const rule = object({
  name: text(),
  matches: list(match),
  filters: refused(filtersAreLost),
  backendRefs: list(backendRef),
  timeouts: object({ request: gatewayDuration, backendRequest: gatewayDuration }),
  retry: object({ codes: list(integer(400, 599)), attempts: integer(0, 0x7fff_ffff), backoff: gatewayDuration }),
  sessionPersistence: ignored('requests of one session go to any endpoint', anything),
});

const spec = object({
  parentRefs: list(parentRef),
  hostnames: ignored('a route that is bound to a Service applies to its own host names only (GEP-1294)', list(text())),
  useDefaultGateways: ignored('routes are taken up for Services only', text()),
  rules: list(rule),
});

export const httpRouteFields = { spec: required(spec) };

const grantFrom = object({ group: required(text()), kind: required(nonEmpty), namespace: required(nonEmpty) });
const grantTo = object({ group: required(text()), kind: required(nonEmpty), name: text() });

export const referenceGrantFields = {
  spec: required(object({ from: required(list(grantFrom)), to: required(list(grantTo)) })),
};

export type HttpRoute = ObjectOf<typeof httpRouteFields>;
export type HttpRouteRule = TypeOf<typeof rule>;
export type HttpRouteMatch = TypeOf<typeof match>;
export type NameMatch = TypeOf<typeof nameMatch>;
export type BackendRef = TypeOf<typeof backendRef>;
export type ParentRef = TypeOf<typeof parentRef>;
export type ReferenceGrant = ObjectOf<typeof referenceGrantFields>;
