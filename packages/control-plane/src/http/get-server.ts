import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { formatAddress, listen, type PortChoice } from '../port.js';

export interface Answer {
  readonly status?: number;
  readonly contentType?: string;
  readonly body: string;
}

export type Pages = Readonly<Record<string, () => Answer | Promise<Answer>>>;

export interface GetServer {
  /** `host:port` */
  readonly address: string;
  close(): Promise<void>;
}

/** How long a close waits for answers that are being read. */
const closeGraceMs = 1000;

/** A server of pages that can only be read. */
export async function serveGet(pages: Pages, at: PortChoice): Promise<GetServer> {
  const server = createServer((request, response) => void answer(pages, request, response));
  const port = await listen(server, at);
  return { address: formatAddress(at.host, port), close: () => closeServer(server) };
}

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status = 200, contentType = 'text/plain; charset=utf-8', body } = await answerOf(pages, request);
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  // Node leaves the body of an answer to HEAD out.
  response.end(body);
}

async function answerOf(pages: Pages, { method, url = '' }: IncomingMessage): Promise<Answer> {
  const [path = ''] = url.split('?');
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return { status: 404, body: `not found; here are: ${Object.keys(pages).join(' ')}\n` };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'only GET and HEAD\n' };
  try {
    return await page();
  } catch (error) {
    return { status: 500, body: `${(error as Error).message}\n` };
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => server.closeAllConnections(), closeGraceMs);
  await closed;
  clearTimeout(timer);
}
