import type { Call } from '../call.js';
import type { HeaderValuePart } from '../model/route.js';
import type { Reply } from '../service.js';

/**
 * The value that a configured header gets for this call. What is not known comes out as nothing: before the response
 * that is all of the response, and the endpoint too.
 */
export function renderHeaderValue(parts: readonly HeaderValuePart[], call: Call, reply: Reply | undefined): string {
  let value = '';
  for (const part of parts) value += renderPart(part, call, reply);
  return value;
}

function renderPart(part: HeaderValuePart, call: Call, reply: Reply | undefined): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'requestHeader':
      return readHeader(part, (name) => requestHeader(name, call));
    case 'responseHeader':
      return readHeader(part, (name) => responseHeader(name, reply));
    case 'upstreamHost':
      return call.endpoint?.endpoint.address ?? '';
    case 'upstreamCluster':
      return call.cluster?.cluster.name ?? call.target?.cluster ?? '';
    case 'routeName':
      return call.route?.name ?? '';
    case 'protocol':
      return call.protocol === 'grpc' ? 'HTTP/2' : 'HTTP/1.1';
    case 'responseCode':
      return reply === undefined ? '' : String(reply.httpStatus);
    case 'responseFlags':
      return reply?.flags || '-';
    case 'sourceAddress':
      return call.sourceAddress;
    case 'hostname':
      return call.snapshot.hostname;
  }
}

type HeaderPart = Extract<HeaderValuePart, { readonly name: string }>;

function readHeader(part: HeaderPart, read: (name: string) => string | undefined): string {
  const value = read(part.name) ?? (part.alternative === undefined ? undefined : read(part.alternative)) ?? '';
  return part.maxLength === undefined ? value : value.slice(0, part.maxLength);
}

function requestHeader(name: string, call: Call): string | undefined {
  switch (name) {
    case ':method':
      return call.method;
    case ':path':
      return call.path;
    case ':scheme':
      return call.scheme;
    case ':authority':
      return call.headers.get('host') ?? call.authority;
    default:
      return call.headers.get(name);
  }
}

function responseHeader(name: string, reply: Reply | undefined): string | undefined {
  if (reply === undefined) return undefined;
  return name === ':status' ? String(reply.httpStatus) : reply.header(name);
}
