import type { Draws } from './draws.js';

export const issuer = 'https://issuer.example';

export const pathNormalizations = ['BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'] as const;

/** What a workload is given, and what a failure shows. */
export interface PolicySet {
  readonly seed: number;
  readonly normalization: (typeof pathNormalizations)[number];
  /** `spec` of an AuthorizationPolicy each. */
  readonly specs: readonly object[];
}

type Values = readonly string[];

const operations: Readonly<Record<string, Values>> = {
  hosts: ['web.example', 'Admin.Example', '*.example', 'web*', 'web.example:*', 'web.example:8080', '*'],
  methods: ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'get', 'P*', '*'],
  paths: [
    ...['/admin', '/Admin', '/admin/', '/admin/*', '/admin*', '/public', '/public/*', '/a/b', '/', '*'],
    ...['*/secret', '*.txt', '/a%20b', '/caf%C3%A9', '/caf%c3%a9', '/%7Eme', '/~me', '/a;b'],
    ...['/users/{*}', '/users/{*}/files', '/files/{**}', '/{*}/secret', '/files/{**}/raw'],
  ],
};

const sources: Readonly<Record<string, Values>> = {
  principals: ['cluster.local/ns/default/sa/shop', 'cluster.local/ns/prod/*', '*/sa/admin', '*', 'other/ns/x/sa/y'],
  namespaces: ['default', 'prod', 'def*', '*od', '*'],
  requestPrincipals: ['*', `${issuer}/*`, `${issuer}/alice`, '*/bob', `${issuer}/carol`],
  ipBlocks: ['127.0.0.1', '127.0.0.4/30', '10.0.0.0/8', '::1', '0.0.0.0/0'],
  remoteIpBlocks: ['10.1.0.0/16', '127.0.0.0/8', '2001:db8::/32', '192.0.2.7'],
};

const accounts: Values = ['shop', 'admin', 'prod/admin', 'default/shop'];

export function generatePolicies(draws: Draws, seed: number, port: number): PolicySet {
  const normalization = draws.chance(0.6) ? 'BASE' : draws.one(pathNormalizations);
  return { seed, normalization, specs: draws.list(1, 4, () => policy(draws, port)) };
}

function policy(draws: Draws, port: number): object {
  if (draws.chance(0.02)) return {};
  const isAllow = draws.chance(0.5);
  return { action: isAllow ? 'ALLOW' : 'DENY', rules: draws.list(1, isAllow ? 4 : 2, () => rule(draws, port)) };
}

function rule(draws: Draws, port: number): object {
  return {
    ...(draws.chance(0.45) && { from: draws.list(1, 2, () => ({ source: source(draws) })) }),
    ...(draws.chance(0.75) && { to: draws.list(1, 2, () => ({ operation: operation(draws, port) })) }),
    ...(draws.chance(0.4) && { when: draws.list(1, 2, () => condition(draws, port)) }),
  };
}

function source(draws: Draws): object {
  if (draws.chance(0.2)) return field(draws, 'serviceAccounts', accounts);
  return fields(draws, sources);
}

function operation(draws: Draws, port: number): object {
  return fields(draws, { ...operations, ports: [String(port), '1'] });
}

/** One or two of them, some as `notX`. */
function fields(draws: Draws, from: Readonly<Record<string, Values>>): object {
  const chosen = draws.some(Object.keys(from));
  return Object.assign({}, ...chosen.map((name) => field(draws, name, from[name]!)));
}

function field(draws: Draws, name: string, values: Values): object {
  const own = draws.chance(0.3) ? `not${name[0]!.toUpperCase()}${name.slice(1)}` : name;
  return { [own]: draws.some(values, 3) };
}

function condition(draws: Draws, port: number): object {
  const [key, values] = draws.one(conditions(port));
  return { key, [draws.chance(0.3) ? 'notValues' : 'values']: draws.some(values) };
}

const conditions = (port: number): readonly (readonly [string, Values])[] => [
  ['request.headers[x-role]', ['guest', 'admin', 'adm*', '*in', '*']],
  ['request.headers[x-role]', ['a,b', 'guest', 'guest,admin', 'a']],
  ['request.headers[Version]', ['v1', 'v2']],
  ['source.ip', sources.ipBlocks!],
  ['remote.ip', sources.remoteIpBlocks!],
  ['source.namespace', sources.namespaces!],
  ['source.principal', sources.principals!],
  ['source.serviceAccount', accounts],
  ['request.auth.principal', sources.requestPrincipals!],
  ['request.auth.audiences', ['web', 'app', '*']],
  ['request.auth.presenter', ['desk', 'de*']],
  ['request.auth.claims[groups]', ['staff', 'guests', 'st*']],
  ['request.auth.claims[realm][role]', ['owner']],
  ['destination.ip', ['127.0.0.0/8', '10.0.0.1', '::1']],
  ['destination.port', [String(port), '81']],
  ['connection.sni', ['web.example', '*.example', 'web*', '*']],
];
