import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { refusePeer } from '../../identity/refusal.js';
import { bodyType, reasonHeader } from '../answer-error.js';
import type { Refusals } from './refusals.js';

const probes = new WeakSet<IncomingMessage>();

/** Whether a request is a kubelet's, which no policy looks at. */
export function isProbe(req: IncomingMessage): boolean {
  return probes.has(req);
}

/**
 * Serves connections in plain text where mutual TLS is required, and of them nothing but probes: GET and HEAD of the paths
 * that were named, byte by byte, without a body, one for each connection. A kubelet has no certificate, and Istio, which
 * rewrites probes to reach its agent, is not there to do so.
 */
export function probeServer(paths: readonly string[], refusals: Refusals, serve: Server): Server {
  const known = new Set(paths);
  const server = createServer({ keepAlive: false }, (req, res) => {
    res.setHeader('connection', 'close');
    if (!mayPass(req, known)) {
      refuse(req, res, refusals);
      return;
    }
    probes.add(req);
    serve.emit('request', req, res);
  });
  server.on('upgrade', (_req, socket) => socket.destroy());
  return server;
}

function mayPass({ method, url = '', headers }: IncomingMessage, paths: ReadonlySet<string>): boolean {
  const [path = ''] = url.split('?', 1);
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return (method === 'GET' || method === 'HEAD') && paths.has(path) && !hasBody;
}

function refuse(req: IncomingMessage, res: ServerResponse, refusals: Refusals): void {
  const refusal = refusePeer('plaintext', 'plain text is not taken on this port: mutual TLS is required');
  refusals.tell(refusal, req.socket);
  res.writeHead(403, { 'content-type': bodyType, [reasonHeader]: 'unauthorized' });
  res.end(refusal.detail);
}
