import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { method } from './grpc-method.js';

const [kind, identities = ''] = process.argv.slice(2);

/** 58 bytes, the body that all figures of this folder are for. */
const body = JSON.stringify({ id: 7, stars: 5, text: 'an in-process service mesh' }).padEnd(58);
const bytes = Buffer.from(body);

const answer: RequestListener = (request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
};

const tell = (port: number) => process.send?.(port);

function serveHttp(server: Server): void {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => tell((server.address() as AddressInfo).port));
}

function tlsServer(): Server {
  const read = (name: string) => readFileSync(join(identities, 'reviews', name));
  const [cert, key, ca] = ['cert-chain.pem', 'key.pem', 'root-cert.pem'].map(read);
  return createTlsServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, answer);
}

function serveGrpc(): void {
  const server = new GrpcServer();
  const asItIs = (message: Buffer) => message;
  const unary = { path: method, requestStream: false, responseStream: false } as const;
  const codecs = {
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
  server.addService({ Get: { ...unary, ...codecs } }, { Get: (_call: unknown, done: Respond) => done(null, bytes) });
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => tell(port));
}

type Respond = (error: null, message: Buffer) => void;

if (kind === 'grpc') serveGrpc();
else serveHttp(kind === 'mtls' ? tlsServer() : createServer(answer));
process.once('disconnect', () => process.exit());
