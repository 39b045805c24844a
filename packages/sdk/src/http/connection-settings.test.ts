import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { FakeClock, testCluster } from '@inmesh/core/testing';
import { Client } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { connectionSettings, settingsKey } from './connection-settings.js';

const clock = new FakeClock();

describe('the settings of a cluster’s connections', () => {
  it('leave idle connections to undici where the cluster says nothing', () => {
    expect(connectionSettings(testCluster(), clock).client).toEqual({});
  });

  it('keep idle connections as long as the cluster says, and never longer, whatever a server says', () => {
    const { client } = connectionSettings(testCluster({ connectionIdleTimeoutMs: 30_000 }), clock);
    expect(client).toMatchObject({ keepAliveTimeout: 30_000, keepAliveMaxTimeout: 30_000 });
  });

  it('stay below the longest time that Node’s timers keep', () => {
    const { client } = connectionSettings(testCluster({ connectionIdleTimeoutMs: 2 ** 40 }), clock);
    expect(client.keepAliveTimeout).toBe(2 ** 31 - 1);
  });

  it.each([
    [undefined, 60_000],
    [{ timeMs: undefined }, 60_000],
    [{ timeMs: 7000 }, 7000],
  ])('probe idle connections, with tcpKeepalive %j after %d ms', async (tcpKeepalive, delayMs) => {
    const setKeepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { connect } = connectionSettings(testCluster({ tcpKeepalive }), clock);
    const client = new Client(`http://127.0.0.1:${port}`, { connect });
    await client.request({ path: '/', method: 'GET' }).catch(() => {});
    expect(setKeepAlive).toHaveBeenCalledWith(true, delayMs);
    setKeepAlive.mockRestore();
    await client.destroy();
    server.close();
  });

  it('have one key for those that are alike, and others for others', () => {
    const base = settingsKey(testCluster());
    expect(settingsKey(testCluster({ name: 'another' }))).toBe(base);
    const changes = [
      { connectTimeoutMs: 1 },
      { connectionIdleTimeoutMs: 1 },
      { maxRequestsPerConnection: 1 },
      { maxConnectionDurationMs: 1 },
      { tcpKeepalive: { timeMs: undefined } },
      { tcpKeepalive: { timeMs: 1 } },
    ].map((change) => settingsKey(testCluster(change)));
    expect(new Set([base, ...changes]).size).toBe(changes.length + 1);
  });
});
