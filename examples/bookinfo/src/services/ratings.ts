// Stars for a book.
import { close, listen, serving } from './lifecycle.js';
import { callerOf, joinMesh } from './member.js';

const { mesh, register } = await joinMesh();

const server = mesh.createServer((request, response) => {
  const [, id] = /^\/ratings\/(\d+)$/.exec(request.url ?? '') ?? [];
  const found = { id: Number(id), calledBy: callerOf(request), ratings: { Reviewer1: 5, Reviewer2: 4 } };
  response.statusCode = id === undefined ? 404 : 200;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(id === undefined ? {} : found));
});

await mesh.ready();
await listen(server);
await serving(server, register, async () => {
  await close(server);
  await mesh.close();
});
