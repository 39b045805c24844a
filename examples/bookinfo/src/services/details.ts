// What is printed on the back of a book: a Fastify service.
import Fastify from 'fastify';
import { createMesh } from 'inmesh';
import { fastifyPlugin } from 'inmesh/fastify';
import { serving } from './lifecycle.js';
import type { Details } from './product.js';

const mesh = await createMesh();
const app = Fastify();
await app.register(fastifyPlugin, { mesh });

app.get<{ Params: { id: string } }>('/details/:id', async ({ params }): Promise<Details> => {
  return {
    id: Number(params.id),
    author: 'William Shakespeare',
    year: 1595,
    type: 'paperback',
    pages: 200,
    publisher: 'PublisherA',
    language: 'English',
  };
});

await app.listen({ host: '127.0.0.1', port: 0 });
serving(app.server, async () => {
  await app.close();
  await mesh.close();
});
