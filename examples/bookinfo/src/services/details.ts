// What is printed on the back of a book: a Fastify service.
import Fastify from 'fastify';
import { fastifyPlugin } from 'inmesh/fastify';
import { at, serving } from './lifecycle.js';
import { callerOf, joinMesh } from './member.js';
import type { Details } from './product.js';

const { mesh, register } = await joinMesh();
const app = Fastify({ serverFactory: mesh.serverFactory });
await app.register(fastifyPlugin, { mesh });

app.get<{ Params: { id: string } }>('/details/:id', async ({ params, mesh }): Promise<Details> => {
  return {
    id: Number(params.id),
    calledBy: callerOf({ mesh }),
    author: 'William Shakespeare',
    year: 1595,
    type: 'paperback',
    pages: 200,
    publisher: 'PublisherA',
    language: 'English',
  };
});

await mesh.ready();
await app.listen(at);
await serving(app.server, register, async () => {
  await app.close();
  await mesh.close();
});
