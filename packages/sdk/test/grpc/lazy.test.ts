import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { createMesh } from '../../src/create-mesh.js';

const { cache } = createRequire(import.meta.url);

function isLoaded(): boolean {
  return Object.keys(cache).some((file) => file.includes('/@grpc/grpc-js/'));
}

it('loads grpc-js at the first use, and not with the mesh', async () => {
  const mesh = await createMesh();
  expect(mesh.grpc).toBeDefined();
  expect(isLoaded()).toBe(false);
  mesh.grpc.channel('reviews:9080').close();
  expect(isLoaded()).toBe(true);
  await mesh.close();
});
