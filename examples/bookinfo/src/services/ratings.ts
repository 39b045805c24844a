// Stars for a book. This service does not know of the mesh: whom the others call need not be a member.
import { createServer } from 'node:http';
import { close, listen, serving } from './lifecycle.js';

const server = createServer((request, response) => {
  const [, id] = /^\/ratings\/(\d+)$/.exec(request.url ?? '') ?? [];
  response.statusCode = id === undefined ? 404 : 200;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(id === undefined ? {} : { id: Number(id), ratings: { Reviewer1: 5, Reviewer2: 4 } }));
});

await listen(server);
serving(server, () => close(server));
