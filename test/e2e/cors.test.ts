import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createMesh, type Mesh } from 'inmesh';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';

const policy = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop]
  http:
    - corsPolicy:
        allowOrigins: [{ regex: "https://.*[.]example" }]
        allowMethods: [GET, PUT]
        allowHeaders: [x-a]
        maxAge: 1h
        allowCredentials: true
      route: [{ destination: { host: shop } }]
`;

describe('a corsPolicy in a folder, acted on by the service that is called', () => {
  const folder = new ConfigFolder();
  let mesh: Mesh;
  let close: () => Promise<unknown>;

  beforeEach(async () => {
    mesh = await createMesh({ config: folder.path });
    const server = mesh.createServer((_req, res) => void res.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    folder.write('service.yaml', serviceYaml('shop', [{ app: 'shop', version: 'v1', port }]));
    folder.write('policy.yaml', policy);
    await expect.poll(() => mesh.explain('http://shop/').action, { timeout: 5000 }).toBeDefined();
    close = async () => {
      server.closeAllConnections();
      server.close();
      await mesh.close();
      await folder.close();
    };
  });

  afterEach(() => close());

  async function ask(method: string, headers: Record<string, string>) {
    // Through the mesh: what is asked for is the host that the policy names.
    const response = await mesh.fetch('http://shop/', { method, headers });
    const said = [...response.headers].filter(([name]) => name.startsWith('access-control-'));
    return { status: response.status, text: await response.text(), said: Object.fromEntries(said) };
  }

  it('answers preflights, and lets pages of allowed origins read its answers', async () => {
    const origin = 'https://a.example';
    const allowed = { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' };
    expect(await ask('GET', { origin })).toEqual({ status: 200, text: 'hello', said: allowed });
    expect(await ask('OPTIONS', { origin, 'access-control-request-method': 'PUT' })).toEqual({
      status: 200,
      text: '',
      said: {
        ...allowed,
        'access-control-allow-methods': 'GET,PUT',
        'access-control-allow-headers': 'x-a',
        'access-control-max-age': '3600',
      },
    });
    expect((await ask('GET', { origin: 'https://evil.test' })).said).toEqual({});
  });
});
