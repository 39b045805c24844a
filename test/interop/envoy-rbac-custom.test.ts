import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type CheckRequest, checkMethod } from '@inmesh/xds/external-authorization';
import { CheckResponseSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder } from '../support/config-folder.js';
import { MeshAuthority } from '../support/mesh-authority.js';
import { authorizationPolicy, deciderFiles } from '../support/policed-service.js';
import { closeAfterEach } from '../support/seeds.js';
import { socketAddress } from './support/envoy-bootstrap.js';
import { joinEnvoy } from './support/envoy-mesh.js';
import { fixedPort } from './support/fixed-port.js';
import { policedListener } from './support/policed-listener.js';
import { ownAddress, servePolicedWorkload } from './support/policed-workload.js';
import { RawClient } from './support/raw-client.js';

const keep = closeAfterEach();
const authority = new MeshAuthority();
const [workload, shop] = [authority.issue('web'), authority.issue('shop')];

const http2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  },
};

function clusterOf(name: string, port: number, isHttp2 = false): JsonObject {
  const endpoint = { address: socketAddress(`127.0.0.1:${port}`) };
  const load_assignment = { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] };
  return { name, type: 'STATIC', load_assignment, ...(isHttp2 && { typed_extension_protocol_options: http2 }) };
}

function filesOf(kind: string, port: number, more: string): Record<string, string> {
  const spec = '{ action: CUSTOM, provider: { name: decider }, rules: [{}] }';
  return { ...deciderFiles(kind, port, more), 'custom.yaml': authorizationPolicy('custom', spec) };
}

/** Of what a handler was given, and of an answer: what the service that decides has to do with. */
const told = ['x-case', 'x-id', 'x-more', 'x-user', 'x-password', 'authorization', 'x-seen', 'x-other', 'x-reason'];
const ofAnswer = [...told, 'www-authenticate', 'location', 'set-cookie', 'content-type'];

function pick(headers: IncomingHttpHeaders, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );
}

/** An Envoy and a server of the SDK, which ask the same service; what each does with a request. */
async function openBoth(kind: 'envoyExtAuthzHttp' | 'envoyExtAuthzGrpc', deciderPort: number, more: string) {
  const files = filesOf(kind, deciderPort, more);
  const port = await fixedPort();
  const echo = keep(
    await startBackend('echo', 'v1', ({ headers }, res) => res.end(JSON.stringify(pick(headers, told)))),
  );
  const name = 'outbound|9000||decider.default.svc.cluster.local';
  const clusters = [clusterOf(name, deciderPort, kind === 'envoyExtAuthzGrpc'), clusterOf('echo', echo.port)];
  const listeners = [policedListener(files, port, workload, { route: { cluster: 'echo' } })];
  await joinEnvoy(keep, keep(new ConfigFolder()), 'GRPC', { listeners, clusters });
  const handler = ({ headers }: { headers: IncomingHttpHeaders }, res: { end(text: string): void }) =>
    res.end(JSON.stringify(pick(headers, told)));
  keep(await servePolicedWorkload(files, port, workload, handler));
  const client = keep(new RawClient());
  const ask = async (host: string, name: string) => {
    const lines = [`x-case: ${name}`, 'x-user: me', 'x-password: hunter2', 'x-id: forged', 'Authorization: Basic a'];
    const bytes = Buffer.from(
      `POST /a/b?x=1 HTTP/1.1\r\nHost: shop\r\n${lines.join('\r\n')}\r\nContent-Length: 2\r\n\r\nhi`,
    );
    const peer = { host, port, identity: shop, serverName: '', localAddress: '127.0.0.1' };
    const { status, head, body } = await client.send(peer, bytes, true);
    const pairs = head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(/: ?(.*)/s));
    const isHandled = status === 200 && body.startsWith('{');
    const headers = pick(Object.fromEntries(pairs.map(([key = '', value]) => [key.toLowerCase(), value])), ofAnswer);
    return {
      status,
      body: isHandled ? JSON.parse(body) : body,
      headers: isHandled ? { ...headers, 'content-type': '' } : headers,
    };
  };
  return async (name: string) => ({ envoy: await ask('127.0.0.1', name), own: await ask(ownAddress, name) });
}

describe('A service that decides over HTTP', () => {
  const listed = [
    ', includeRequestHeadersInCheck: [x-case, x-user]',
    ', headersToUpstreamOnAllow: [x-id, x-more]',
    ', headersToDownstreamOnDeny: [x-reason, set-cookie]',
    ', headersToDownstreamOnAllow: [x-seen]',
    ', pathPrefix: /check',
  ].join('');

  const statuses: Readonly<Record<string, number>> = {
    ok: 200,
    created: 201,
    moved: 302,
    login: 401,
    pay: 402,
    none: 404,
    fails: 500,
  };

  const decider = async () =>
    keep(
      await startBackend('decider', 'v1', (req, res) => {
        const status = statuses[String(req.headers['x-case'])] ?? 500;
        res.writeHead(status, {
          ...{ 'x-id': '7', 'x-more': 'm', 'x-reason': 'stranger', 'x-seen': 'yes', 'x-other': 'o' },
          ...{ 'www-authenticate': 'Basic', location: '/login', 'set-cookie': 'a=b', 'content-type': 'text/x' },
        });
        res.end(status === 200 ? '' : 'says no');
      }),
    );

  it.each([
    ['with lists of headers', listed],
    ['without lists of headers', ', includeRequestHeadersInCheck: [x-case]'],
    ['that may be away', `${listed}, failOpen: true`],
    ['whose failure has a status', `${listed}, statusOnError: "503"`],
  ])('%s is asked the same, and obeyed in the same way', async (_what, more) => {
    const backend: Backend = await decider();
    const both = await openBoth('envoyExtAuthzHttp', backend.port, more);
    for (const name of Object.keys(statuses)) {
      const { envoy, own } = await both(name);
      expect([name, own]).toEqual([name, envoy]);
      const [first, second] = backend.requests.splice(0).map(({ method, url, headers }) => {
        return { method, url, ...pick(headers, ['host', ...told]), length: headers['content-length'] ?? '0' };
      });
      expect(second).toEqual(first);
    }
  });
});

describe('A service that decides over gRPC', () => {
  const header = (key: string, value: string, append?: boolean) => ({
    header: { key, value },
    ...(append !== undefined && { append }),
  });
  type Answer = MessageInitShape<typeof CheckResponseSchema>;
  const answers: Readonly<Record<string, Answer | grpc.status>> = {
    ok: { status: { code: 0 } },
    changes: {
      status: { code: 0 },
      httpResponse: {
        case: 'okResponse',
        value: {
          headers: [header('X-Id', '7'), header('x-user', 'you', true), header('x-more', 'm', true)],
          headersToRemove: ['x-password'],
          responseHeadersToAdd: [header('x-seen', 'yes')],
        },
      },
    },
    denied: { status: { code: 7 } },
    pay: {
      status: { code: 7 },
      httpResponse: {
        case: 'deniedResponse',
        value: { status: { code: 402 }, headers: [header('x-reason', 'r')], body: 'pay' },
      },
    },
    statusless: { status: { code: 16 }, httpResponse: { case: 'deniedResponse', value: { body: 'no' } } },
    fails: grpc.status.INTERNAL,
  };

  async function decider() {
    const asked: CheckRequest[] = [];
    const server = new grpc.Server();
    server.addService(
      { check: checkMethod },
      {
        check({ request }: grpc.ServerUnaryCall<CheckRequest, unknown>, callback: grpc.sendUnaryData<unknown>) {
          asked.push(request);
          const answer = answers[request.attributes?.request?.http?.headers['x-case'] ?? ''];
          if (typeof answer === 'object') callback(null, create(CheckResponseSchema, answer));
          else callback({ code: answer ?? grpc.status.INTERNAL });
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      const insecure = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', insecure, (error, at) => (error === null ? resolve(at) : reject(error)));
    });
    keep({ close: async () => server.forceShutdown() });
    return { port, asked };
  }

  it.each([
    ['in all its answers', ''],
    ['that may be away', ', failOpen: true'],
  ])('is told the same, and obeyed in the same way: %s', async (_what, more) => {
    const { port, asked } = await decider();
    const both = await openBoth('envoyExtAuthzGrpc', port, more);
    for (const name of Object.keys(answers)) {
      const { envoy, own } = await both(name);
      expect([name, own]).toEqual([name, envoy]);
      const [first, second] = asked.splice(0).map(({ attributes }) => {
        const { method, path, host, scheme, protocol, size, headers } = attributes?.request?.http ?? {};
        const shown = { method, path, host, protocol, size, scheme, principal: attributes?.source?.principal };
        return { ...shown, headers: pick(headers ?? {}, [':method', ':path', ':authority', ...told]) };
      });
      expect(second).toEqual(first);
    }
  });
});
