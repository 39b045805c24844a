// The page that customers see: an Express application that asks details and reviews.
import { createServer } from 'node:http';
import express, { type Request } from 'express';
import { expressErrorHandler, expressMiddleware } from 'inmesh/express';
import { close, listen, serving } from './lifecycle.js';
import { joinMesh } from './member.js';
import { renderPage } from './page.js';
import type { Details, Product, Reviews, Unavailable } from './product.js';

const { mesh, register } = await joinMesh();
const app = express();

app.use(expressMiddleware(mesh));
app.get(['/', '/productpage'], async (request, response) => {
  const user = userOf(request);
  response.type('html').send(renderPage(await loadProduct(user), user));
});
app.get('/api/v1/products/0', async (request, response) => {
  response.json(await loadProduct(userOf(request)));
});
app.use(expressErrorHandler());

/** Who is signed in. A shop takes this from a session; here it is enough to say so: `?user=jason`. */
function userOf(request: Request): string | undefined {
  const { user } = request.query;
  return typeof user === 'string' && user !== '' ? user : request.get('end-user');
}

async function loadProduct(user: string | undefined): Promise<Product> {
  const headers: Record<string, string> = user === undefined ? {} : { 'end-user': user };
  const [details, reviews] = await Promise.all([
    getJson<Details>('http://details:9080/details/0', headers),
    getJson<Reviews>('http://reviews:9080/reviews/0', headers),
  ]);
  return { details, reviews };
}

/** The page stands when a part of it cannot be had. */
async function getJson<Part>(url: string, headers: Record<string, string>): Promise<Part | Unavailable> {
  try {
    const response = await mesh.fetch(url, { headers });
    if (response.ok) return (await response.json()) as Part;
    return { error: `${url} answered ${response.status}: ${await response.text()}` };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const server = mesh.secure(createServer(app));
await mesh.ready();
await listen(server);
await serving(server, register, async () => {
  await close(server);
  await mesh.close();
});
