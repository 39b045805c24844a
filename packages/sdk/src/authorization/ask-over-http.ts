import { type Call, type ExternalAuthorization, HeaderList, MeshError, type Service } from '@inmesh/core';
import { HttpCall } from '../http/http-call.js';
import { requestBody } from '../http/request-body.js';
import type { MeshInternals, Prepare } from '../mesh-internals.js';
import { InboundCall } from '../server/inbound-call.js';
import { inherit, whileServing } from '../server/inherit.js';
import {
  type AskService,
  authorityOfCluster,
  nameTest,
  refusalOf,
  UnaskableRequest,
  type Verdict,
} from './ask-service.js';
import { type CollectedResponse, collectResponse } from './collect-response.js';

/** Never passed on: they are about the one connection, or undici writes them. */
const hopByHop = new Set([
  'expect',
  'http2-settings',
  'proxy-connection',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'content-length',
]);

/** What a client asks of proxies, by which it could have the service itself fail. */
const toProxies = /^(grpc-timeout$|x-envoy-(expected|upstream|retr|max-retries|hedge|fault))/;

/**
 * Envoy's `http_service`: the request without its body, its path behind the prefix. 200 allows, 5xx is a failure of the
 * service, and every other answer is the client's.
 */
export function askOverHttp(internals: () => MeshInternals, outbound: Service<HttpCall>, prepare: Prepare): AskService {
  return async (call, authorization) => {
    if (call.method === 'CONNECT') throw new UnaskableRequest('a tunnel is no request to ask about');
    const authority = authorityOfCluster(authorization.service.cluster);
    const preparing = prepare('http', authority);
    if (preparing !== undefined) await (call instanceof InboundCall ? whileServing(call, preparing) : preparing);
    const response = await send(checkOf(call, authority, authorization, internals()), call, internals(), outbound);
    if (response.status >= 500) throw new Error(`it answers ${response.status}`);
    return response.status === 200 ? allow(response, authorization) : deny(response, authorization);
  };
}

type Check = Pick<HttpCall, 'authority' | 'method' | 'path' | 'headers' | 'deadline'>;

function checkOf(
  call: Call,
  authority: string,
  { service, timeoutMs, includedRequestHeaders }: ExternalAuthorization,
  { clock }: MeshInternals,
): Check {
  const prefix = service.kind === 'http' ? service.pathPrefix : '';
  const isIncluded = nameTest(includedRequestHeaders);
  const { flat } = call.headers;
  const kept: string[] = ['host', call.authority];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (name === 'host' || hopByHop.has(name) || toProxies.test(name)) continue;
    if (name === 'authorization' || isIncluded(name)) kept.push(name, flat[i + 1]!);
  }
  const { method } = call;
  return {
    authority,
    method,
    path: prefix + call.path,
    headers: new HeaderList(kept),
    deadline: clock.now() + timeoutMs,
  };
}

async function send(
  { authority, method, path, headers, deadline }: Check,
  serving: Call,
  internals: MeshInternals,
  outbound: Service<HttpCall>,
): Promise<CollectedResponse> {
  const { handler, collected } = collectResponse();
  const call = new HttpCall({
    ...{ scheme: 'http', authority, method, path, headers, handler },
    snapshot: internals.snapshots.current,
    startedAt: internals.clock.now(),
    options: { origin: `http://${authority}`, path, method: method as 'GET' },
    body: requestBody(null),
  });
  call.deadline = deadline;
  if (serving instanceof InboundCall) inherit(call, serving, internals);
  const timer = internals.clock.setTimer(deadline - internals.clock.now(), () =>
    call.cancel(new MeshError('deadline_exceeded', { message: 'no answer in time' })),
  );
  try {
    const reply = await outbound(call);
    reply.deliver();
    return await collected;
  } finally {
    timer.cancel();
    if (serving instanceof InboundCall) serving.release(call);
  }
}

function allow({ headers }: CollectedResponse, authorization: ExternalAuthorization): Verdict {
  const isUpstream = nameTest(authorization.headersToUpstreamOnAllow);
  const isDownstream = nameTest(authorization.headersToDownstreamOnAllow);
  return {
    kind: 'allowed',
    requestHeaders: headers.filter(([name]) => isUpstream(name) && !hopByHop.has(name)),
    removedHeaders: [],
    responseHeaders: headers.filter(([name]) => isDownstream(name) && !hopByHop.has(name)),
  };
}

/** Envoy passes on every header where none is listed; where some are, these two come along (ext_authz.proto). */
function deny({ status, headers, body }: CollectedResponse, authorization: ExternalAuthorization): Verdict {
  const listed = authorization.headersToDownstreamOnDeny;
  const isListed = nameTest(listed);
  const isPassed = (name: string) =>
    listed.length === 0 || isListed(name) || name === 'www-authenticate' || name === 'location';
  const passed = headers.filter(([name]) => !hopByHop.has(name) && isPassed(name));
  return refusalOf(status, passed, body);
}
