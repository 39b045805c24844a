import type { IncomingMessage } from 'node:http';
import {
  type Call,
  canonicalAuthority,
  canonicalPath,
  type LocalResponse,
  type PathNormalization,
  type Refusal,
} from '@inmesh/core';
import { reasonHeader } from '../server/answer-error.js';
import { InboundRequest } from '../server/inbound-request.js';
import { authorityOfTarget, targetOf } from '../server/request-target.js';

/** Node's parser keeps this many headers where the server says nothing else, and drops the others without a word. */
const nodeMaxHeaders = 1000;

/** A name, an address or nothing, and perhaps a port (RFC 9110 7.2); others are read in one way by each who reads them. */
const readableHost = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d{0,5})?$/i;
const unreadableHost = 'the request has a Host that is no host and port';

/** Of a gRPC path nothing has to be done: a method is found by its very bytes. */
export function normalize(call: Call, path: PathNormalization | undefined): Refusal {
  if (!(call instanceof InboundRequest)) {
    return readableHost.test(call.authority) ? undefined : refuse(400, unreadableHost);
  }
  const { req } = call;
  if (hasLostHeaders(req)) return refuse(431, 'the request has more headers than are read');
  const problem = hostProblem(call);
  if (problem !== undefined) return refuse(400, problem);
  const target = targetOf(req);
  const worse = targetProblem(target);
  if (worse !== undefined) return ambiguous(worse);
  return path === undefined ? undefined : normalizePath(call, target, path);
}

/** What Envoy takes from nobody, whether a policy looks at paths or not. */
function targetProblem(target: string): string | undefined {
  if (!target.startsWith('/') && authorityOfTarget(target) === undefined) return 'no path';
  if (target.includes('#')) return 'a path with a fragment';
  return target.includes('%00') ? 'a path with a control character' : undefined;
}

/** A policy that refuses by a header must not be passed by one that was dropped. */
function hasLostHeaders({ rawHeaders, socket }: IncomingMessage): boolean {
  const { server } = socket as { server?: { maxHeadersCount?: number | null } };
  const limit = server?.maxHeadersCount ?? nodeMaxHeaders;
  return limit > 0 && rawHeaders.length / 2 >= limit;
}

function hostProblem({ req, authority }: InboundRequest): string | undefined {
  if (!readableHost.test(authority)) return unreadableHost;
  const hosts = valuesOf(req, 'host');
  if (hosts.length > 1) return 'the request has more than one Host';
  // Policies that admit a host compare what was written, which of HTTP/2 they are not told.
  const [pseudo] = valuesOf(req, ':authority');
  if (pseudo !== undefined && pseudo.toLowerCase() !== authority)
    return 'the request names a host with a dot at its end';
  // HTTP/2 has `:authority` in its place; where both are sent they have to agree.
  const others = [...hosts, authorityOfTarget(targetOf(req))].filter((host) => host !== undefined);
  return others.every((host) => canonicalAuthority(host) === authority) ? undefined : 'the request names two hosts';
}

function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_text, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name);
}

function normalizePath(call: InboundRequest, target: string, normalization: PathNormalization): Refusal {
  const result = canonicalPath(call.path, normalization);
  if (result.kind === 'ambiguous') return ambiguous(`a path with ${result.reason}`);
  if (result.path === target) return undefined;
  if (call.isRouted) return ambiguous('a path that is not in its canonical form');
  call.rewritePath(result.path);
  return undefined;
}

function ambiguous(what: string): LocalResponse {
  return refuse(400, `the request has ${what}, which policies cannot decide by`);
}

function refuse(httpStatus: number, body: string): LocalResponse {
  return {
    httpStatus,
    headers: ['content-type', 'text/plain', reasonHeader, 'invalid_request'],
    body,
    flags: 'DPE',
  };
}
