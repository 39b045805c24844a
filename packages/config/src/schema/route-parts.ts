import { nonEmpty, port } from './checks.js';
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
import { headerText, writableHeader, writableRequestHeader } from './header-checks.js';

// What HTTPRoute and GRPCRoute share (Gateway API 1.4 apis/v1/shared_types.go and httproute_types.go).

const parentRef = object({
  group: text(),
  kind: text(),
  namespace: text(),
  name: required(nonEmpty),
  sectionName: text(),
  port,
});

export const nameMatch = object({
  type: oneOf('Exact', 'RegularExpression'),
  name: required(nonEmpty),
  value: required(text()),
});

const headerFilter = (name: typeof writableHeader) => {
  const header = object({ name: required(name), value: required(headerText) });
  return object({ set: list(header), add: list(header), remove: list(writableHeader) });
};

export const headerModifiers = {
  requestHeaderModifier: headerFilter(writableRequestHeader),
  responseHeaderModifier: headerFilter(writableHeader),
};

export const backendReference = {
  group: text(),
  kind: text(),
  name: required(nonEmpty),
  namespace: text(),
  port,
};

export const requestMirror = object(
  {
    backendRef: required(object(backendReference)),
    percent: integer(0, 100),
    fraction: object({ numerator: required(integer(0, 0x7fff_ffff)), denominator: integer(1, 0x7fff_ffff) }),
  },
  ['percent', 'fraction'],
);

/** Beside the rules. */
export const commonRouteSpec = {
  parentRefs: list(parentRef),
  hostnames: ignored('a route that is bound to a Service applies to its own host names only (GEP-1294)', list(text())),
  useDefaultGateways: ignored('routes are taken up for Services only', text()),
};

export const sessionPersistence = ignored('requests of one session go to any endpoint', anything);

export const ofRefusedType = 'filters of this type are refused';
export const asTheyAre = refused('requests would be forwarded as they are');

export type ParentRef = TypeOf<typeof parentRef>;
export type NameMatch = TypeOf<typeof nameMatch>;
export type RequestMirror = TypeOf<typeof requestMirror>;
export type HeaderFilter = TypeOf<(typeof headerModifiers)['requestHeaderModifier']>;
export type BackendReference = ObjectOf<typeof backendReference>;
