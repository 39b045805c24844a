import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { ServerCertificate, type ServerCertificateOptions } from '../ca/server-certificate.js';
import type { Logger } from '../logger.js';
import { formatAddress, listen, type PortChoice } from '../port.js';
import { type AdmissionRequest, formatReview, parseReview, type Verdict } from './admission-review.js';
import { BodyReader } from './read-body.js';
import { ReviewTurns } from './review-turns.js';

export interface WebhookPortOptions extends Omit<ServerCertificateOptions, 'use'> {
  readonly at: PortChoice;
  readonly judge: (request: AdmissionRequest) => Verdict;
  readonly count: (result: ReviewResult) => void;
}

export type ReviewResult = 'allowed' | 'denied' | 'failed';

export interface WebhookPort {
  /** `host:port` */
  readonly address: string;
  close(): Promise<void>;
}

export const webhookPath = '/validate';

/** The API server takes requests of 3 MiB, and sends an object with what it was before. */
const limits = { maxBytes: 8 * 1024 * 1024, maxTotalBytes: 64 * 1024 * 1024 };
/** The API server waits for no webhook longer than 30 s. */
const timeouts = { handshakeTimeout: 10_000, headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 60_000 };
const maxConnections = 1000;

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Nobody waits for it any more. */
const tooLate: Reply = { status: 503, body: 'too late\n' };

/** Where the API server asks whether an object may be written. It proves nothing of itself, and learns nothing that it has not sent. */
export async function openWebhookPort(options: WebhookPortOptions): Promise<WebhookPort> {
  const { at, judge, count, logger } = options;
  const bodies = new BodyReader(limits);
  const turns = new ReviewTurns(options.clock);
  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const problem = problemOf(request);
    if (problem !== undefined) return problem;
    const read = await bodies.read(request);
    if (read.kind === 'too_large') return { status: 413, body: `more than ${limits.maxBytes} bytes\n` };
    if (read.kind === 'busy') return { status: 429, body: 'too many reviews at once\n' };
    return await turns.take(() => (request.socket.destroyed ? tooLate : reply(read.text)));
  };
  const reply = (text: string): Reply => {
    const review = parseReview(text);
    if (!review.ok) return { status: 400, body: `${review.problem}\n` };
    const verdict = judge(review.request);
    count(verdict.allowed ? 'allowed' : 'denied');
    return { status: 200, body: formatReview(review.request.uid, verdict) };
  };
  let server: Server | undefined;
  let context: SecureContextOptions = {};
  const certificate = await ServerCertificate.start({
    ...options,
    use: (next) => {
      context = { ...next, minVersion: 'TLSv1.2' };
      server?.setSecureContext(context);
    },
  });
  try {
    server = createServer({ ...context, ...timeouts, minVersion: 'TLSv1.2' });
    server.maxConnections = maxConnections;
    server.on('request', (request, response) => {
      void answer(request)
        .catch((error: unknown) => failed(error, logger))
        .then((reply) => {
          if (reply.status !== 200) count('failed');
          send(reply, request, response);
        });
    });
    const port = await listen(server, at);
    return { address: formatAddress(at.host, port), close: () => close(server as Server, certificate) };
  } catch (error) {
    certificate.close();
    throw error;
  }
}

function problemOf({ method, url = '', headers }: IncomingMessage): Reply | undefined {
  // The API server adds its own `timeout` as a query.
  if (url.split('?')[0] !== webhookPath) return { status: 404, body: `only ${webhookPath} is here\n` };
  if (method !== 'POST') return { status: 405, body: 'only POST\n' };
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/json' ? undefined : { status: 415, body: 'only application/json\n' };
}

function failed(error: unknown, logger: Logger): Reply {
  logger.error('an admission review failed', { problem: (error as Error).message });
  return { status: 500, body: 'the review failed\n' };
}

function send({ status, body }: Reply, request: IncomingMessage, response: ServerResponse): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': status === 200 ? 'application/json' : 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    // Of what was sent to us and not read, no more is wanted.
    ...(!request.complete && { connection: 'close' }),
    ...(status === 405 && { allow: 'POST' }),
  });
  response.end(body);
}

async function close(server: Server, certificate: ServerCertificate): Promise<void> {
  certificate.close();
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await closed;
  clearTimeout(timer);
}
