import type { IncomingMessage, ServerResponse } from 'node:http';
import { inbound, type Reply } from '@inmesh/core';
import { removeClaimHeaders } from '../authentication/claim-headers.js';
import type { MeshInternals } from '../mesh-internals.js';
import { inboundCalls } from './context.js';
import { removeForgedClientCert } from './forwarded-client-cert.js';
import { InboundRequest, type RequestHandler } from './inbound-request.js';
import { ownHost } from './own-host.js';
import { runHandler } from './run-handler.js';
import { isProbe } from './tls/probes.js';

/** What the adapters ask of a mesh. */
export interface WithInternals {
  readonly internals: MeshInternals;
}

export type ServeInbound = (req: IncomingMessage, res: ServerResponse, handler: RequestHandler) => void;

/** @throws TypeError when an adapter was given no mesh; the likeliest reason is a forgotten `await` */
export function internalsOf(mesh: WithInternals, adapter: string): MeshInternals {
  if (mesh?.internals === undefined) {
    throw new TypeError(`${adapter} wants a mesh: is it missing, or an await before createMesh()?`);
  }
  return mesh.internals;
}

/** What all server adapters share: takes a request through the inbound walk; its handler runs before this returns. */
export function serveInbound(internals: MeshInternals): ServeInbound {
  const { clock, random, telemetry, logger, workload, rateLimiter, policy } = internals;
  const own = { random, ownHost: ownHost(workload) };
  const service = inbound(runHandler, {
    clock,
    telemetry,
    cors: own,
    policy,
    ...(rateLimiter && { rateLimits: { limiter: rateLimiter, ...own } }),
  });
  return (req, res, handler) => {
    if (isServed(res)) {
      handler.run();
      return;
    }
    removeForgedClientCert(req, internals.trustForwardedClientCert);
    const call = new InboundRequest(internals, req, res, handler);
    (isProbe(req) ? serveProbe(call) : service(call))
      .then(
        (reply) => reply.deliver(),
        (error) => handler.fail(error),
      )
      .catch((error) => logger.error('a request could not be answered', { error }));
  };
}

/** No policy looks at it, so what policies would have taken from a stranger's request is taken here. */
function serveProbe(call: InboundRequest): Promise<Reply> {
  const chain = call.snapshot.inbound?.chainOf(call.connection?.localPort ?? 0, 'tls');
  for (const filter of chain?.filters ?? []) {
    if (filter.kind === 'jwt') removeClaimHeaders(call, filter.authentication.providers);
  }
  return runHandler(call);
}

/** An Express application behind `createServer` that has the middleware as well is one call. */
function isServed(res: ServerResponse): boolean {
  const call = inboundCalls.getStore();
  return call !== undefined && 'res' in call && call.res === res;
}
