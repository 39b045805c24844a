import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { inboundChecks } from '../../src/authorization/inbound-checks.js';
import { type HttpHandler, wrapHandler } from '../../src/server/node-http.js';
import { testInternals } from '../server/internals.js';
import { header, plaintextListener, rbac } from './policies.js';

it('a host of HTTP/2 is let in as it is written alone', async () => {
  const internals = testInternals({ resources: plaintextListener([rbac('allow', header(':authority', 'shop'))]) });
  const askService = () => Promise.reject(new Error('nobody is asked'));
  const policy = inboundChecks({ ...internals, wallClock: () => 0, askService });
  const handler: HttpHandler = (_req, res) => void res.end();
  const server = createServer(wrapHandler({ internals: { ...internals, policy } }, handler) as never);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => void server.close() });
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  keep({ close: () => session.destroy() });
  const statusOf = async (authority: string) => {
    const [headers] = await once(session.request({ ':authority': authority }), 'response');
    return headers[':status'];
  };
  expect(await Promise.all(['shop', 'Shop', 'shop.', 'shop:80'].map(statusOf))).toEqual([200, 200, 400, 403]);
});
