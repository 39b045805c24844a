import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** 58 bytes, the body that all figures of this folder are for. */
const body = JSON.stringify({ id: 7, stars: 5, text: 'an in-process service mesh' }).padEnd(58);

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
