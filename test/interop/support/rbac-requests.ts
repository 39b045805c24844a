import type { Draws } from './draws.js';

export const identities = ['default/shop', 'default/admin', 'prod/shop', 'prod/admin'] as const;
export const tokens = ['alice', 'bob'] as const;

/** A connection that requests are sent on. */
export interface RawSource {
  readonly identity: (typeof identities)[number];
  readonly serverName: string;
  readonly localAddress: string;
}

/** The bytes of a request. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** In their order; `Host` among them. Latin-1. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly token: (typeof tokens)[number] | undefined;
}

const paths = [
  ...['/', '/admin', '/admin/x', '/public', '/public/a', '/a/b', '/x/secret', '/admin/secret', '/notes.txt'],
  ...['/a%20b', '/~me', '/users/me', '/users/me/files', '/files/a/b', '/files/a/b/raw', '/caf%C3%A9', '/a;b'],
];

const utf8 = (text: string) => Buffer.from(text).toString('latin1');

/** Each makes of a path one that somebody may take for it, or for another. */
const tricks: readonly ((path: string) => string)[] = [
  (path) => `/${path}`,
  (path) => path.replace(/(?<=.)\//, '//'),
  (path) => path.replace(/(?<=.)\//, '%2f'),
  (path) => path.replace(/(?<=.)\//, '%2F'),
  (path) => path.replace(/(?<=.)\//, '%5c'),
  (path) => path.replace(/(?<=.)\//, '\\'),
  (path) => `/public/..;${path}`,
  (path) => `/public/..${path}`,
  (path) => `/public/%2e%2E${path}`,
  (path) => `/..${path}`,
  (path) => `/.${path}`,
  (path) => `${path}/.`,
  (path) => `${path}/..`,
  (path) => `${path}/../admin`,
  (path) => `${path}/./x`,
  (path) => `${path};v=1`,
  (path) => `${path}%3Bv=1`,
  (path) => `${path}%00`,
  (path) => `${path}%0a`,
  (path) => `${path}%`,
  (path) => `${path}%zz`,
  (path) => `${path}%c0%ae`,
  (path) => `${path}%E9`,
  (path) => `${path}.`,
  (path) => `${path}/`,
  (path) => path.toUpperCase(),
  (path) => path.replace(/a/, 'A'),
  (path) => path.replace(/a/, '%61'),
  (path) => path.replace(/d/, '%64').replace(/s/, '%73'),
  (path) => path.replace(/~/, '%7e'),
  (path) => path.replace(/%C3%A9/, utf8('é')),
  (path) => path.replace(/%C3%A9/, '%c3%a9'),
  (path) => path.replace(/a/, utf8('а')),
  (path) => path.replace(/a/, '%EF%BD%81'),
  (path) => `${path}#frag`,
  (path) => `${path}?x=1`,
  (path) => `${path}?x=/../admin`,
  (path) => `${path}?x=1#frag`,
  (path) => `${path}?`,
  (path) => `http://web.example${path}`,
  (path) => `http://other.example${path}`,
  (path) => `HTTP://WEB.EXAMPLE${path}`,
  (path) => path.slice(1),
  () => '*',
  () => '',
  () => 'http://web.example',
  () => 'web.example:80',
];

const hosts = [
  ...['web.example', 'web.example', 'web.example', 'Web.Example', 'web.example:8080', 'web.example:80', 'web.example.'],
  ...['admin.example', 'ADMIN.example.:8080', 'other', 'web.example:', 'a.example:443', '127.0.0.1', '[::1]:80'],
];

const methods = [
  ...['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'DELETE', 'OPTIONS'],
  ...['get', 'Get', 'FOO', 'CONNECT'],
];

const roles = [
  ...['guest', 'admin', 'Admin', 'administrator', 'a', 'a,b', 'a, b', 'guest,admin', 'guest, admin', ' guest ', ''],
  ...[utf8('é'), '\xff', 'b,a', 'guest;q=1', '"guest"'],
];

const forwarded = ['10.1.2.3', '192.0.2.7', '192.0.2.7, 10.1.2.3', '10.1.2.3, 8.8.8.8', '2001:db8::1', 'unknown', ''];

export function generateRequest(draws: Draws): RawRequest {
  const path = draws.one(paths);
  const target = draws.chance(0.5) ? draws.one(tricks)(path) : path;
  return {
    method: draws.one(methods),
    target: draws.chance(0.1) && target.startsWith('/') ? draws.one(tricks)(target) : target,
    headers: [...hostLines(draws), ...otherLines(draws)],
    token: draws.chance(0.35) ? draws.one(tokens) : undefined,
  };
}

export function generateSource(draws: Draws): RawSource {
  return {
    identity: draws.one(identities),
    serverName: draws.one(['web.example', 'web.example', 'outbound.example', '']),
    localAddress: draws.one(['127.0.0.1', '127.0.0.1', '127.0.0.5', '127.9.9.9']),
  };
}

function hostLines(draws: Draws): [string, string][] {
  const host = draws.one(hosts);
  if (draws.chance(0.02)) return [];
  if (draws.chance(0.02)) {
    return [
      ['Host', host],
      ['host', draws.one(hosts)],
    ];
  }
  return [['Host', host]];
}

function otherLines(draws: Draws): [string, string][] {
  const role = (): [string, string] => [draws.one(['x-role', 'X-Role']), draws.one(roles)];
  return [
    ...(draws.chance(0.5) ? draws.list(1, draws.chance(0.25) ? 2 : 1, role) : []),
    ...(draws.chance(0.4) ? [['version', draws.one(['v1', 'v2', 'V1', 'v1,v2'])] as [string, string]] : []),
    ...(draws.chance(0.3) ? [['x-forwarded-for', draws.one(forwarded)] as [string, string]] : []),
    ...(draws.chance(0.04) ? [['x-forwarded-for', draws.one(forwarded)] as [string, string]] : []),
  ];
}

/** As it goes over the connection. */
export function bytesOf({ method, target, headers }: RawRequest, token: string | undefined): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  const text = [`${method} ${target} HTTP/1.1`, ...lines, ...authorization, '', ''].join('\r\n');
  return Buffer.from(text, 'latin1');
}
