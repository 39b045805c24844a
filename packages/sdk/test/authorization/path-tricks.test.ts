import type { InboundFilter } from '@inmesh/core';
import { afterEach, describe, expect, it } from 'vitest';
import { inboundChecks } from '../../src/authorization/inbound-checks.js';
import { testInternals } from '../server/internals.js';
import { header, path, plaintextListener, rbac } from './policies.js';
import { request, sendRaw } from './raw-request.js';
import { type RoutedServer, routedServers } from './routed-servers.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Node has some of them refused by its parser: then no handler runs either. */
const tricks = [
  '/admin/secret',
  '/Admin/Secret',
  '/ADMIN/SECRET',
  '/admin/secret/',
  '/admin/secret//',
  '//admin/secret',
  '/admin//secret',
  '///admin///secret',
  '/./admin/secret',
  '/admin/./secret',
  '/x/../admin/secret',
  '/admin/x/../secret',
  '/public/../admin/secret',
  '/public/..;/admin/secret',
  '/public/.;/../admin/secret',
  '/public/%2e%2e/admin/secret',
  '/public/%2E./admin/secret',
  '/public/..%2fadmin/secret',
  '/public/..%5cadmin/secret',
  '/public/..\\admin\\secret',
  '/public\\..\\admin\\secret',
  '/%61dmin/secret',
  '/admin/%73ecret',
  '/admin/secre%74',
  '/%2561dmin/secret',
  '/admin%2fsecret',
  '/admin%2Fsecret',
  '/admin%5csecret',
  '/admin\\secret',
  '/admin/secret%00',
  '/admin/secret%00.html',
  '/admin/secret%0a',
  '/admin/secret%20',
  '/admin/secret%09',
  '/admin/secret;x=1',
  '/admin;x=1/secret',
  '/admin/secret%3bx',
  '/admin/secret?x=1',
  '/admin/secret?',
  '/admin/secret#frag',
  '/admin/secret#/public/',
  '/public/#/../../admin/secret',
  '/admin/secret%23x',
  '/admin/secret%3fx',
  '/admin/secret.',
  '/admin./secret',
  '/%c0%afadmin/secret',
  '/admin%c0%afsecret',
  '/admin%e0%80%afsecret',
  '/admin%ef%bc%8fsecret',
  '/%ef%bd%81dmin/secret',
  '/adm%C4%B1n/secret',
  '/admin/secret%ff',
  '/admin/secret%',
  '/admin/secret%zz',
  '/admin/%u0073ecret',
  '/admin/secret\xe9',
  'http://shop/admin/secret',
  'http://shop/Admin/secret/',
  'http://SHOP/public/../admin/secret',
  'http://other/admin/secret',
  'http://user@shop/admin/secret',
  'https://shop//admin/secret',
  'http://shop#/admin/secret',
  'http://shop',
  'admin/secret',
  '?/admin/secret',
  '*',
];

interface Opened {
  send(target: string, headers?: readonly string[]): ReturnType<typeof sendRaw>;
  readonly port: number;
  readonly seen: { route: string; url: string | undefined }[];
}

async function open(server: RoutedServer, filters: readonly InboundFilter[]): Promise<Opened> {
  const seen: Opened['seen'] = [];
  const internals = testInternals({ resources: plaintextListener(filters) });
  const askService = () => Promise.reject(new Error('nobody is asked'));
  const policy = inboundChecks({ ...internals, wallClock: () => 0, askService });
  const { port, close } = await server.open({ ...internals, policy }, (route, { url }) => seen.push({ route, url }));
  closers.push(close);
  return { port, seen, send: (target, headers) => sendRaw(port, request(target, headers)) };
}

const secret = (opened: Opened) => opened.seen.filter(({ route }) => route === 'secret');

describe.each(routedServers)('$name', (server) => {
  it('with a policy that denies a path gives it to nobody', async () => {
    const opened = await open(server, [rbac('deny', path('/admin/secret'))]);
    for (const target of tricks) await opened.send(target);
    expect(secret(opened)).toEqual([]);
    expect((await opened.send('/public/a')).status).toBe(200);
  });

  it('with a policy that denies what is below a path gives it to nobody', async () => {
    const opened = await open(server, [rbac('deny', path('/admin/', 'prefix'))]);
    for (const target of tricks) await opened.send(target);
    expect(secret(opened)).toEqual([]);
  });

  it('with a policy that allows another path gives it to nobody', async () => {
    const opened = await open(server, [rbac('allow', path('/public/', 'prefix'))]);
    for (const target of tricks) await opened.send(target);
    expect(secret(opened)).toEqual([]);
    expect((await opened.send('/public/a')).status).toBe(200);
    expect((await opened.send('/')).status).toBe(403);
  });

  it('with a policy that allows all other paths gives it to nobody', async () => {
    const opened = await open(server, [rbac('allow', { kind: 'not', permission: path('/admin/secret') })]);
    for (const target of tricks) await opened.send(target);
    expect(secret(opened)).toEqual([]);
    expect((await opened.send('/public/a')).status).toBe(200);
  });

  it('without a policy about paths leaves them as they are', async () => {
    const opened = await open(server, [rbac('deny', header('x', 'y'))]);
    await opened.send('/admin/secret?x=%61');
    expect(secret(opened)).toEqual([{ route: 'secret', url: '/admin/secret?x=%61' }]);
  });

  it('without a policy about paths refuses what Envoy always does', async () => {
    const opened = await open(server, [rbac('deny', header('x', 'y'))]);
    for (const target of ['/public/a#frag', '/public/a%00', '*', 'public/a']) {
      expect((await opened.send(target)).status).toBe(400);
    }
    expect(opened.seen).toEqual([]);
  });

  it('says why it refuses', async () => {
    const opened = await open(server, [rbac('deny', path('/admin/secret'))]);
    const refused = await opened.send('/admin//secret');
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('x-inmesh-reason: invalid_request');
    expect(refused.text).toContain('a path with two slashes in a row');
    expect((await opened.send('/admin/secret')).text).toMatch(/403 .*RBAC: access denied$/s);
  });

  it('reads a host in one way', async () => {
    const opened = await open(server, [rbac('deny', header(':authority', 'admin.example'))]);
    for (const host of [
      'admin.example',
      'ADMIN.example',
      'admin.example.',
      'admin.example:80',
      'Admin.Example.:8080',
    ]) {
      expect((await opened.send('/public/a', [`Host: ${host}`])).status).toBe(403);
    }
    expect((await opened.send('/public/a', ['Host: shop', 'Host: admin.example'])).status).toBe(400);
    expect((await opened.send('/public/a', ['Host: shop', 'hOST: shop'])).status).toBe(400);
    expect((await opened.send('http://admin.example/public/a', ['Host: shop'])).status).toBe(400);
    for (const host of ['admin.example:x', 'admin.example:80:80', '[', 'u@admin.example', 'admin.example/']) {
      expect((await opened.send('/public/a', [`Host: ${host}`])).status).toBe(400);
    }
    expect((await opened.send('/public/a', ['Host: shop'])).status).toBe(200);
    expect(opened.seen).toHaveLength(1);
  });

  it('refuses by any of the values of a header, and by one that cannot be read', async () => {
    const opened = await open(server, [rbac('deny', header('x-role', 'guest'))]);
    const send = (...lines: string[]) =>
      opened.send('/public/a', ['Host: shop', ...lines]).then(({ status }) => status);
    expect(await send('X-Role: admin', 'x-role: guest')).toBe(403);
    expect(await send('x-role: admin, guest')).toBe(403);
    expect(await send('x-role: \xff')).toBe(403);
    expect(await send('x-role: admin')).toBe(200);
  });

  it('answers 431 to more headers than Node reads', async () => {
    const opened = await open(server, [rbac('deny', header('x-role', 'guest'))]);
    const flood = Array.from({ length: 1500 }, (_, i) => `a${i}:`);
    expect((await opened.send('/public/a', ['Host: shop', ...flood, 'x-role: guest'])).status).toBe(431);
    expect(opened.seen).toEqual([]);
  });

  it('looks at binary metadata of whoever says that it is gRPC', async () => {
    const test = { kind: 'present', present: true } as const;
    const matcher = { name: 'x-role-bin', test, invert: false, treatMissingAsEmpty: false };
    const opened = await open(server, [rbac('deny', { kind: 'header', matcher })]);
    const lines = ['Host: shop', 'content-type: application/grpc', 'x-role-bin: guest'];
    await opened.send('/public/a', lines);
    expect(opened.seen).toEqual([]);
  });

  it('lets nobody in by CONNECT, «*» or no path, and goes on', async () => {
    const opened = await open(server, [rbac('allow', path('/public/', 'prefix'))]);
    const connected = await sendRaw(opened.port, 'CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n');
    expect(connected.status).not.toBe(200);
    const empty = await sendRaw(opened.port, 'GET  HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
    expect(empty.status).not.toBe(200);
    expect((await opened.send('*')).status).not.toBe(200);
    expect((await opened.send('/public/a')).status).toBe(200);
  });
});
