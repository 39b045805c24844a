import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { FakeClock } from '@inmesh/core/testing';
import type { buildConnector } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createConnector } from './connector.js';

const options = {} as buildConnector.BuildOptions;

describe('connecting', () => {
  const clock = new FakeClock();
  let server: Server;
  let target: buildConnector.Options;

  beforeEach(async () => {
    server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    target = { hostname: '127.0.0.1', protocol: 'http:', port: String(port) };
  });

  afterEach(() => {
    vi.restoreAllMocks();
    server.close();
  });

  /** What Node does for an address from which nothing comes back. */
  function neverConnects() {
    return vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket) {
      return this;
    });
  }

  it('fails when its time is over, to the millisecond', async () => {
    neverConnects();
    const connected = vi.fn();
    createConnector(options, 150, clock)(target, connected);
    clock.advance(149);
    await new Promise(setImmediate);
    expect(connected).not.toHaveBeenCalled();
    clock.advance(1);
    await vi.waitFor(() => expect(connected).toHaveBeenCalledOnce());
    expect(connected).toHaveBeenCalledWith(expect.objectContaining({ code: 'UND_ERR_CONNECT_TIMEOUT' }));
  });

  it('leaves no timer when the connection is up', async () => {
    const socket = await new Promise<Socket>((resolve, reject) =>
      createConnector(options, 150, clock)(target, (error, up) => (up === null ? reject(error) : resolve(up))),
    );
    expect(clock.pendingTimers).toBe(0);
    socket.destroy();
  });

  it('that is given up keeps neither a socket nor a timer', async () => {
    const sockets = neverConnects();
    createConnector(options, 150, clock)(target, () => {})();
    expect(sockets.mock.contexts[0]).toMatchObject({ destroyed: true });
    expect(clock.pendingTimers).toBe(0);
  });
});
