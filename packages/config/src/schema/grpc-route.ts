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
  words,
} from './field.js';
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

// Gateway API 1.4 apis/v1/grpcroute_types.go, experimental fields included.

const methodMatch = object({ type: oneOf('Exact', 'RegularExpression'), service: text(), method: text() });

const match = object({ method: methodMatch, headers: list(nameMatch) });

const extensionRef = ignored(ofRefusedType, anything);

const filter = object({
  type: required(
    words({
      RequestHeaderModifier: undefined,
      ResponseHeaderModifier: undefined,
      RequestMirror: undefined,
      ExtensionRef: asTheyAre,
    }),
  ),
  ...headerModifiers,
  requestMirror,
  extensionRef,
});

const backendFilter = object({
  type: required(
    words({
      RequestHeaderModifier: undefined,
      ResponseHeaderModifier: undefined,
      RequestMirror: refused('for a single backend only headers are changed; give it to the whole rule'),
      ExtensionRef: asTheyAre,
    }),
  ),
  ...headerModifiers,
  requestMirror: ignored(ofRefusedType, requestMirror),
  extensionRef,
});

const rule = object({
  name: text(),
  matches: list(match),
  filters: list(filter),
  backendRefs: list(object({ ...backendReference, weight: integer(0, 1_000_000), filters: list(backendFilter) })),
  sessionPersistence,
});

export const grpcRouteFields = { spec: required(object({ ...commonRouteSpec, rules: list(rule) })) };

export type GrpcRoute = ObjectOf<typeof grpcRouteFields>;
export type GrpcRouteRule = TypeOf<typeof rule>;
export type GrpcRouteMatch = TypeOf<typeof match>;
export type GrpcMethodMatch = TypeOf<typeof methodMatch>;
