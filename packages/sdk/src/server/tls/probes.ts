import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { plaintextRefusal } from '../../identity/refusal.js';
import { bodyType, reasonHeader } from '../answer-error.js';
import type { Refusals } from './refusals.js';

const probes = new WeakSet<IncomingMessage>();

/** Whether a request is a kubelet's, which no policy looks at. */
export function isProbe(req: IncomingMessage): boolean {
  return probes.has(req);
}

/**
 * Looks at connections in plain text where mutual TLS is required. Of them nothing is served but probes: GET and HEAD of the
 * paths that were named, byte by byte, without a body, one for each connection. A kubelet has no certificate, and Istio,
 * which rewrites probes to reach its agent, is not there to do so.
 */
export class Probes {
  readonly #paths: ReadonlySet<string>;
  /** Whether the one request has come. */
  readonly #connections = new WeakMap<Socket, boolean>();

  constructor(
    paths: readonly string[],
    private readonly refusals: Refusals,
    /** Whether policies refuse all that comes to a port, with their own answer. */
    private readonly isAwaited: (port: number) => boolean,
  ) {
    this.#paths = new Set(paths);
  }

  take(socket: Socket): void {
    this.#connections.set(socket, false);
  }

  /**
   * False: it has been answered here, or waits for the end of its connection. True of what came by other connections.
   * @param to the socket, of a request that would have the whole connection
   */
  mayPass(req: IncomingMessage, to: ServerResponse | Socket): boolean {
    const isSpent = this.#connections.get(req.socket);
    if (isSpent === undefined || probes.has(req)) return true;
    if (!(to instanceof ServerResponse)) {
      to.destroy();
      return false;
    }
    if (isSpent) return false;
    this.#connections.set(req.socket, true);
    to.setHeader('connection', 'close');
    if (this.#isProbe(req)) {
      probes.add(req);
      return true;
    }
    if (this.isAwaited(req.socket.localPort ?? 0)) return true;
    this.#refuse(req, to);
    return false;
  }

  #isProbe({ method, url = '', headers }: IncomingMessage): boolean {
    const [path = ''] = url.split('?', 1);
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    const isPlain = !hasBody && headers.expect === undefined;
    return (method === 'GET' || method === 'HEAD') && this.#paths.has(path) && isPlain;
  }

  #refuse(req: IncomingMessage, res: ServerResponse): void {
    const refusal = plaintextRefusal();
    this.refusals.tell(refusal, req.socket);
    res.writeHead(403, { 'content-type': bodyType, [reasonHeader]: 'unauthorized' });
    res.end(refusal.detail);
  }
}
