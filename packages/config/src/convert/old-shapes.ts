import { type ConfigObject, isRecord } from '../objects.js';

/** What is wrong with a value, each with the field it is in; empty where it can be read. */
type Shape = (value: unknown, at: string) => readonly string[];

const wrong = (at: string, expected: string) => [`${at}: ${expected}`];
const text: Shape = (value, at) => (typeof value === 'string' ? [] : wrong(at, 'is no text'));
const flag: Shape = (value, at) => (typeof value === 'boolean' ? [] : wrong(at, 'is neither true nor false'));
const port: Shape = (value, at) => (Number.isInteger(Number(value ?? '')) ? [] : wrong(at, 'is no port'));

function list(item: Shape): Shape {
  return (value, at) =>
    Array.isArray(value) ? value.flatMap((one, index) => item(one, `${at}[${index}]`)) : wrong(at, 'is no list');
}

/** Old files have a text where they mean a list of one. */
const texts: Shape = (value, at) => (typeof value === 'string' ? [] : list(text)(value, at));

function oneOf(...values: readonly string[]): Shape {
  return (value, at) =>
    values.some((one) => one === value) ? [] : wrong(at, `${JSON.stringify(value)} is none of ${values.join(', ')}`);
}

/** Null is what is not written, as in the JSON of protos; a field of another name is not passed over. */
function fields(known: Readonly<Record<string, Shape>>): Shape {
  return (value, at) => {
    if (!isRecord(value)) return wrong(at, 'is no object');
    return Object.entries(value).flatMap(([name, of]) => {
      const shape = Object.hasOwn(known, name) ? known[name] : undefined;
      const below = `${at}.${name}`;
      if (shape === undefined) return wrong(below, 'has no form of today');
      return of === null ? [] : shape(of, below);
    });
  };
}

function both(...shapes: readonly Shape[]): Shape {
  return (value, at) => shapes.flatMap((shape) => shape(value, at));
}

function some(...names: readonly string[]): Shape {
  return (value, at) => {
    const isThere = isRecord(value) && names.some((name) => !isNothing(value[name]));
    return isThere ? [] : wrong(at, `has none of ${names.join(', ')}`);
  };
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}

const properties: Shape = (value, at) =>
  isRecord(value) ? Object.entries(value).flatMap(([key, of]) => text(of, `${at}.${key}`)) : wrong(at, 'is no object');

const subjectFields = {
  ...{ user: text, group: text, names: texts, notNames: texts, groups: texts, properties },
  ...{ namespaces: texts, notNamespaces: texts, ips: texts, notIps: texts },
};

const binding = both(
  fields({
    subjects: list(both(fields(subjectFields), some(...Object.keys(subjectFields)))),
    roleRef: fields({ kind: oneOf('ServiceRole'), name: text }),
    role: text,
    mode: oneOf('ENFORCED', 'PERMISSIVE'),
  }),
  some('subjects'),
);

const constraint = both(fields({ key: text, values: texts }), some('key'), some('values'));

const role = both(
  fields({
    rules: list(
      both(
        fields({
          ...{ services: texts, hosts: texts, notHosts: texts, methods: texts, notMethods: texts },
          ...{ paths: texts, notPaths: texts, ports: list(port), notPorts: list(port), constraints: list(constraint) },
        }),
        some('services', 'hosts'),
      ),
    ),
  }),
  some('rules'),
);

/** The paths of today's policies have patterns of their own. */
const path: Shape = (value, at) =>
  typeof value === 'string' && !/[*{}]/.test(value) ? [] : wrong(at, 'is no path that can be written today');
const paths = list(
  both(fields({ exact: path, prefix: path, suffix: path, regex: text }), some('exact', 'prefix', 'suffix', 'regex')),
);
const triggers = list(
  fields({ includedPaths: paths, included_paths: paths, excludedPaths: paths, excluded_paths: paths }),
);

const jwt = both(
  fields({
    ...{ issuer: text, audiences: texts, jwksUri: text, jwks: text, jwtHeaders: texts, jwtParams: texts },
    ...{ triggerRules: triggers, trigger_rules: triggers },
  }),
  some('issuer'),
);

/** An entry with nothing in it is mutual TLS where its name says so. */
const peer = both(fields({ mtls: fields({ mode: oneOf('STRICT', 'PERMISSIVE') }), jwt }), (value, at) =>
  isRecord(value) && ('mtls' in value || 'jwt' in value) ? [] : wrong(at, 'has none of mtls, jwt'),
);

const policy = fields({
  targets: list(
    both(
      fields({
        name: text,
        ports: list(both(fields({ number: port }), some('number'))),
      }),
      some('name'),
    ),
  ),
  peers: list(peer),
  peerIsOptional: flag,
  origins: list(both(fields({ jwt }), some('jwt'))),
  originIsOptional: flag,
  principalBinding: oneOf('USE_PEER', 'USE_ORIGIN'),
});

const shapes: Readonly<Record<string, Shape>> = {
  ServiceRole: role,
  ServiceRoleBinding: binding,
  Policy: policy,
  MeshPolicy: policy,
};

/** Why an old object cannot be converted exactly: without what is unreadable it would demand less. */
export function unreadable({ kind, body }: ConfigObject): readonly string[] {
  return shapes[kind]?.(body.spec ?? {}, 'spec') ?? [];
}
