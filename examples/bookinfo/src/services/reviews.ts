// What readers say: node:http, in three versions. v1 has no stars, v2 black ones, v3 red ones.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createMesh } from 'inmesh';
import { prometheus } from 'inmesh/prometheus';
import { Registry } from 'prom-client';
import { close, listen, serving } from './lifecycle.js';
import type { Review, Reviews } from './product.js';

const { INMESH_VERSION: version = 'v1', POD_NAME: podname = '' } = process.env;
const starColor = { v2: 'black', v3: 'red' }[version];

const register = new Registry();
const mesh = await createMesh({ telemetry: [prometheus({ register })] });
mesh.install(); // From here on the global fetch goes through the mesh.

const texts = {
  Reviewer1: 'An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!',
  Reviewer2:
    'Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by Shakespeare.',
};

const server = mesh.createServer(async (request, response) => {
  const [, id] = /^\/reviews\/(\d+)$/.exec(request.url ?? '') ?? [];
  if (request.url === '/metrics') response.end(await register.metrics());
  else if (id === undefined) sendJson(response, 404, {});
  else sendJson(response, 200, await reviewsOf(id));
});

async function reviewsOf(id: string): Promise<Reviews> {
  const rate = starColor === undefined ? () => ({}) : await ratingsOf(id, starColor);
  const reviews = Object.entries(texts).map(([reviewer, text]) => ({ reviewer, text, ...rate(reviewer) }));
  return { id: Number(id), podname, version, reviews };
}

async function ratingsOf(id: string, color: string): Promise<(reviewer: string) => Pick<Review, 'rating'>> {
  try {
    const response = await fetch(`http://ratings:9080/ratings/${id}`);
    const { ratings } = (await response.json()) as { ratings: Record<string, number> };
    return (reviewer) => ({ rating: { stars: ratings[reviewer] ?? 0, color } });
  } catch {
    return () => ({ rating: { error: 'Ratings are not available now.' } });
  }
}

function sendJson(response: ServerResponse<IncomingMessage>, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

await listen(server);
serving(server, async () => {
  await close(server);
  await mesh.close();
});
