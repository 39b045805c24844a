// What readers say: node:http, in three versions. v1 has no stars, v2 black ones, v3 red ones.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { close, listen, serving } from './lifecycle.js';
import { callerOf, joinMesh } from './member.js';
import type { Review, Reviews } from './product.js';

const { INMESH_VERSION: version = 'v1', POD_NAME: podname = '', FAIL_EVERY = '0' } = process.env;
/** Every so many-th answer is a 500, for a canary to find; 0: none. */
const failEvery = Number(FAIL_EVERY);
let asked = 0;
const starColor = { v2: 'black', v3: 'red' }[version];

const { mesh, register } = await joinMesh();
mesh.install(); // From here on the global fetch goes through the mesh.

const texts = {
  Reviewer1: 'An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!',
  Reviewer2:
    'Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by Shakespeare.',
};

const server = mesh.createServer(async (request, response) => {
  const [, id] = /^\/reviews\/(\d+)$/.exec(request.url ?? '') ?? [];
  asked += 1;
  if (id === undefined) sendJson(response, 404, {});
  else if (asked % failEvery === 0) sendJson(response, 500, {});
  else sendJson(response, 200, await reviewsOf(id, callerOf(request)));
});

interface Rated {
  readonly ratingsCalledBy?: string;
  rate(reviewer: string): Pick<Review, 'rating'>;
}

async function reviewsOf(id: string, calledBy: string): Promise<Reviews> {
  const rated: Rated = starColor === undefined ? { rate: () => ({}) } : await ratingsOf(id, starColor);
  const { rate, ...caller } = rated;
  const reviews = Object.entries(texts).map(([reviewer, text]) => ({ reviewer, text, ...rate(reviewer) }));
  return { id: Number(id), calledBy, ...caller, podname, version, reviews };
}

async function ratingsOf(id: string, color: string): Promise<Rated> {
  try {
    const response = await fetch(`http://ratings:9080/ratings/${id}`);
    const { calledBy, ratings } = (await response.json()) as { calledBy: string; ratings: Record<string, number> };
    return { ratingsCalledBy: calledBy, rate: (reviewer) => ({ rating: { stars: ratings[reviewer] ?? 0, color } }) };
  } catch {
    return { rate: () => ({ rating: { error: 'Ratings are not available now.' } }) };
  }
}

function sendJson(response: ServerResponse<IncomingMessage>, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

await mesh.ready();
await listen(server);
await serving(server, register, async () => {
  await close(server);
  await mesh.close();
});
