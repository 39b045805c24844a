import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { MeshGrpc } from '../../src/grpc/index.js';
import { TestService } from './interop-service.js';
import { startMesh } from './support.js';

/** What is said without TypeScript. */
type Loose = { readonly [Method in keyof MeshGrpc]: (...given: readonly unknown[]) => unknown };

function looseGrpc(): Loose {
  return startMesh([]).grpc as unknown as Loose;
}

const server = () => new grpc.Server();
const credentials = grpc.credentials.createInsecure();

describe('a wrong argument', () => {
  const rows: readonly (readonly [title: string, ask: (mesh: Loose) => unknown, said: RegExp])[] = [
    ['a package for a client', (mesh) => mesh.client({ Echo: TestService }, 'reviews:80'), /no class of clients/],
    ['a client without a target', (mesh) => mesh.client(TestService), /undefined is no target/],
    ['a channel without a target', (mesh) => mesh.channel(), /undefined is no target/],
    ['a number for a target', (mesh) => mesh.interceptor(80), /number is no target/],
    [
      'credentials of a client for its options',
      (mesh) => mesh.client(TestService, 'a:1', credentials),
      /credentials are/,
    ],
    ['credentials of a channel for its options', (mesh) => mesh.channel('a:1', credentials), /credentials are/],
    ['no server for its health', (mesh) => mesh.addHealth({}), /addHealth: the first argument is no Server/],
    ['a text for a list of services', (mesh) => mesh.addHealth(server(), 'shop.Reviews'), /no list of names/],
    ['no server to be drained', (mesh) => mesh.drainServer(), /drainServer: the first argument is no Server/],
    [
      'an unknown option of a server',
      (mesh) => mesh.serverInterceptor({ maxConcurent: 1 }),
      /maxConcurent: no such option; there are maxConcurrent, authorize/,
    ],
    ['no function that authorizes', (mesh) => mesh.serverInterceptor({ authorize: true }), /authorize: not a function/],
    [
      'an unknown option of a drain',
      (mesh) => mesh.drainServer(server(), { graceMss: 1 }),
      /graceMss: no such option; there are withdrawMs, graceMs/,
    ],
    [
      'a number for options of a drain',
      (mesh) => mesh.drainServer(server(), 1),
      /options of mesh.grpc.drainServer: not an object/,
    ],
  ];

  it.each(rows)('%s, is refused and says what to give', async (_, ask, said) => {
    const asked = Promise.resolve().then(() => ask(looseGrpc()));
    await expect(asked).rejects.toMatchObject({ reason: 'invalid_request', message: expect.stringMatching(said) });
  });

  it('leaves the server to be drained later', async () => {
    const mesh = startMesh([]);
    const drained = server();
    const wrong = (mesh.grpc as unknown as Loose).drainServer(drained, { graceMss: 1 });
    await expect(wrong).rejects.toThrow();
    await mesh.grpc.drainServer(drained, { withdrawMs: 0 });
  });
});
