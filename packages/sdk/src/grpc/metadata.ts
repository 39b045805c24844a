import type { Metadata } from '@grpc/grpc-js';
import { HeaderList } from '@inmesh/core';
import { grpcTimeoutHeader, upstreamTimeoutHeader } from '../timeout-headers.js';
import type { GrpcJs } from './grpc-js.js';

const legalName = /^[0-9a-z_.-]+$/;
const legalValue = /^[ -~]*$/;

/** What HTTP/2 says elsewhere than in a header, or grpc-js writes by itself; a timeout asked of a proxy is now its rest. */
const notMetadata: ReadonlySet<string> = new Set([
  'host',
  'content-type',
  'te',
  grpcTimeoutHeader,
  upstreamTimeoutHeader,
]);

/** The headers of a gRPC request as filters see them; binary values are base64, as on the wire. */
export function toHeaderList(metadata: Metadata, authority: string): HeaderList {
  const flat = ['host', authority, 'content-type', 'application/grpc'];
  const headers = metadata.toHttp2Headers();
  for (const name of Object.keys(headers)) {
    const values = headers[name];
    if (Array.isArray(values)) for (const value of values) flat.push(name, value);
    else if (values !== undefined) flat.push(name, String(values));
  }
  return new HeaderList(flat);
}

/** Leaves out what gRPC cannot send: a value that the configuration writes may hold anything. */
export function toMetadata({ flat }: HeaderList, { Metadata }: GrpcJs): Metadata {
  const metadata = new Metadata();
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (!notMetadata.has(name)) addHeader(metadata, name, flat[i + 1]!);
  }
  return metadata;
}

export function addHeader(metadata: Metadata, name: string, value: string): void {
  if (!legalName.test(name)) return;
  if (name.endsWith('-bin')) metadata.add(name, Buffer.from(value, 'base64'));
  else if (legalValue.test(value)) metadata.add(name, value);
}

/** The first value of a header; a binary one in base64. */
export function firstValue(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0];
  return typeof value === 'string' || value === undefined ? value : value.toString('base64');
}
