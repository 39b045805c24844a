import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Any, anyIs } from '@bufbuild/protobuf/wkt';
import { HttpConnectionManagerSchema, HttpRBACSchema, type Listener } from '@inmesh/xds/messages';
import { createMesh, type MeshOptions } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { send } from '../../packages/sdk/test/server/client.js';
import { rbac } from '../../packages/xds/test/inbound-fixtures.js';
import { istiodInbound } from '../../packages/xds/test/istiod-inbound.js';
import { keep } from '../support/keep.js';
import { RawXdsServer, type XdsVariant } from '../support/raw-xds-server.js';

/** As istiod writes the policy `deny-admin`. */
const denyAdmin = rbac({
  rules: {
    action: 'DENY',
    policies: {
      'ns[default]-policy[deny-admin]-rule[0]': {
        permissions: [{ andRules: { rules: [{ orRules: { rules: [{ urlPath: { path: { exact: '/admin' } } }] } }] } }],
        principals: [{ andIds: { ids: [{ any: true }] } }],
      },
    },
  },
});

const asked: Record<string, (uri: string) => MeshOptions['xds']> = {
  'for all that it has': (uri) => uri,
  'by name': (uri) => ({
    xds_servers: [{ server_uri: uri, channel_creds: [{ type: 'insecure' }] }],
    client_default_listener_resource_name_template: '%s',
  }),
};

async function serve(xds: MeshOptions['xds']) {
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const mesh = keep(await createMesh({ xds, logger: { info: log, warn: log, error: log } }));
  const handled: (string | undefined)[] = [];
  const server = mesh.createServer((req, res) => {
    handled.push(req.url);
    res.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const get = async (path: string) => {
    const answer = await send(port, { path, headers: { connection: 'close' } }).catch(() => undefined);
    return answer === undefined ? 'no answer' : `${answer.status} ${answer.body}`;
  };
  return { mesh, port, handled, lines, get };
}

/** As a newer Envoy may have it, at the end of the policies of every chain. */
function withUnknownField(listener: Listener): Listener {
  for (const { filters } of listener.filterChains) {
    for (const { configType } of filters) {
      if (configType.case !== 'typedConfig' || !anyIs(configType.value, HttpConnectionManagerSchema)) continue;
      const manager = fromBinary(HttpConnectionManagerSchema, configType.value.value);
      for (const filter of manager.httpFilters) {
        const { value: any } = filter.configType as { value: Any };
        if (anyIs(any, HttpRBACSchema)) any.value = Buffer.concat([any.value, Buffer.from([0xa0, 0x1f, 1])]);
      }
      configType.value.value = toBinary(HttpConnectionManagerSchema, manager);
    }
  }
  return listener;
}

async function start(variant: XdsVariant): Promise<RawXdsServer> {
  const istiod = await new RawXdsServer(variant).start();
  keep({ close: () => istiod.kill() });
  return istiod;
}

const admitted = '200 hello';
const denied = '403 RBAC: access denied';

describe.each(Object.entries(asked))('the listener virtualInbound of an istiod that is asked %s', (_, xdsOf) => {
  it.each(['incremental', 'state of the world'] as const)('holds, in %s', async (variant) => {
    const istiod = await start(variant);
    const { port, handled, lines, get } = await serve(xdsOf(istiod.uri));
    const ports = [
      { port, kind: 'auto' },
      { port: 1, kind: 'tcp' },
    ] as const;
    istiod.set('listener', [istiodInbound({ mode: 'PERMISSIVE', ports, httpFilters: [denyAdmin] })]);
    istiod.set('cluster', []);
    await expect.poll(() => get('/admin')).toBe(denied);
    handled.length = 0;
    expect([await get('/'), await get('/admin')]).toEqual([admitted, denied]);
    expect(handled).toEqual(['/']);
    expect(istiod.refusals).toEqual([]);
    expect(lines.filter((line) => line.includes('not supported'))).toEqual([]);
  });

  it('lets nobody in when it has an authorization field that is not known, and says so', async () => {
    const istiod = await start('incremental');
    const { port, handled, get } = await serve(xdsOf(istiod.uri));
    const ports = [{ port, kind: 'auto' }] as const;
    const listener = istiodInbound({ mode: 'PERMISSIVE', ports, httpFilters: [denyAdmin] });
    istiod.set('listener', [withUnknownField(listener)]);
    istiod.set('cluster', []);
    await expect
      .poll(() => istiod.refusals.join())
      .toMatch(/field 500 of .*RBAC is unknown: this version of inmesh is too old for it/);
    await expect.poll(() => get('/')).toBe('no answer');
    handled.length = 0;
    await get('/');
    expect(handled).toEqual([]);
  });
});
