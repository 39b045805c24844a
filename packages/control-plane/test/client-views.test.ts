import { create, type JsonObject } from '@bufbuild/protobuf';
import { type ClientView, ConfigSet, type LoadedConfig } from '@inmesh/config';
import { type Node, NodeSchema } from '@inmesh/xds/messages';
import { versionSnapshot } from '@inmesh/xds/server';
import { describe, expect, it } from 'vitest';
import { ClientViews } from '../src/client-views.js';

const services = `apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { ports: [{ name: http, port: 80 }] }
`;

const rule = (name: string, namespace: string, more = '') => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: ${namespace} }
spec: { host: shop.default.svc.cluster.local, subsets: [{ name: ${name} }]${more} }
`;

function setup(text?: string) {
  const errors: string[] = [];
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    warn: (message: string) => void warnings.push(message),
    error: (message: string) => void errors.push(message),
  };
  const views = new ClientViews({ defaultClient: { namespace: 'default' }, logger });
  const files = new ConfigSet();
  const translated: ClientView[] = [];
  const use = (content: string) => {
    const { config, issues } = files.update([{ path: 'a.yaml', text: content }]);
    expect(issues).toEqual([]);
    const translate = files.translator();
    const load = (client: ClientView) => {
      translated.push(client);
      return translate(client);
    };
    views.setVersioned(versionSnapshot(config!.resources, views.current), {
      traits: config!.client,
      selecting: config!.selecting,
      load,
    });
  };
  /** As above, but that what clients of one namespace would be given is wrong. */
  const breakFor = (content: string, namespace: string, fail = wrong) => {
    const { config } = files.update([{ path: 'a.yaml', text: content }]);
    const translate = files.translator();
    const load = (client: ClientView) => {
      const loaded = translate(client);
      return client.namespace === namespace ? fail(loaded) : loaded;
    };
    views.setVersioned(versionSnapshot(config!.resources, views.current), { traits: config!.client, load });
  };
  if (text !== undefined) use(text);
  return { views, use, breakFor, errors, warnings, translated };
}

function wrong(loaded: LoadedConfig): LoadedConfig {
  const place = { file: 'web.yaml', line: 0, column: 0, object: '', field: '' };
  return { ...loaded, issues: [{ severity: 'error', ...place, message: 'is wrong' }] };
}

function node(namespace: string, metadata: JsonObject = {}, zone?: string): Node {
  const locality = zone === undefined ? {} : { locality: { region: 'eu', zone, subZone: '' } };
  return create(NodeSchema, { id: 'a', metadata: { NAMESPACE: namespace, ...metadata }, ...locality });
}

function subsetsFor(views: ClientViews, of: Node): string[] {
  const names = [...(views.snapshotFor(of)?.cluster.resources.keys() ?? [])];
  return names.flatMap((name) => name.split('|')[2] || []);
}

describe('The views of clients', () => {
  it('are one while nothing tells clients apart', () => {
    const { views, translated } = setup(services + rule('a', 'default'));
    expect(views.snapshotFor(node('web', { LABELS: { app: 'x' } }, 'a'))).toBe(views.current);
    expect(views.snapshotFor(undefined)).toBe(views.current);
    expect(translated).toEqual([]);
  });

  it('have it said once that policies pass by a process without labels', () => {
    const policy = `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: viewer, namespace: web }
spec: { selector: { matchLabels: { app: web } } }
`;
    const { views, warnings } = setup(services + policy);
    for (const of of [node('default'), node('web', { LABELS: { version: 'v1' } })]) views.snapshotFor(of);
    expect(warnings).toEqual([]);
    for (let i = 0; i < 2; i += 1) views.snapshotFor(node('web'));
    expect(warnings).toEqual([expect.stringMatching(/names no labels: AuthorizationPolicy web\/viewer .*INMESH_APP/)]);
  });

  it('hold what only a proxy can read', () => {
    const { views, errors } = setup(services);
    const envoy = { ...node('default', { HTTP_PROXY_PORT: 8888 }), userAgentName: 'envoy' };
    expect([...(views.snapshotFor(envoy)?.listener.resources.keys() ?? [])]).toEqual(['127.0.0.1_8888']);
    expect(errors).toEqual([]);
  });

  it('hold what only a gRPC library can read', () => {
    const { views, errors } = setup(`apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: search }
spec:
  hosts: [search.example.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: DNS
  endpoints: [{ address: a.example.com }, { address: b.example.com }]
`);
    const grpc = { ...node('default'), userAgentName: 'gRPC Go' };
    const names = [...(views.snapshotFor(grpc)?.cluster.resources.keys() ?? [])];
    expect(names).toEqual([
      'outbound|80||search.example.com',
      ...[1, 2].map((n) => `outbound|80||search.example.com#${n}`),
    ]);
    expect(errors).toEqual([]);
  });

  it('are made once for each kind of client, when it asks', () => {
    const { views, translated } = setup(services + rule('a', 'default') + rule('b', 'web'));
    expect(translated).toEqual([]);
    expect(subsetsFor(views, node('web'))).toEqual(['b']);
    expect(subsetsFor(views, node('web', { LABELS: { app: 'x' } }))).toEqual(['b']);
    expect(subsetsFor(views, node('other'))).toEqual(['a']);
    expect(subsetsFor(views, node('default'))).toEqual(['a']);
    expect(translated.map(({ namespace }) => namespace)).toEqual(['web', 'other']);
  });

  it('all follow a change, and only what changed is a new object', () => {
    const both = services + rule('a', 'default') + rule('b', 'web');
    const { views, use } = setup(both);
    const web = node('web');
    const before = views.snapshotFor(web)!;
    let told = 0;
    views.watch(() => {
      told += 1;
    });
    use(both.replaceAll('name: b', 'name: c'));
    expect(told).toBe(1);
    expect(subsetsFor(views, web)).toEqual(['c']);
    expect(views.snapshotFor(web)!.listener).toBe(before.listener);
    expect(subsetsFor(views, node('other'))).toEqual(['a']);
  });

  it('are told apart by what any of them was asked, and those before are told again', async () => {
    const selecting = rule('b', 'web', ', workloadSelector: { matchLabels: { app: x } }');
    const { views } = setup(services + rule('a', 'default') + selecting);
    expect(subsetsFor(views, node('web', { LABELS: { app: 'x' } }))).toEqual(['b']);
    expect(subsetsFor(views, node('web', { LABELS: { app: 'y' } }))).toEqual(['a']);
  });

  it("read who a node is from Istio's metadata, else from its id", () => {
    const { views } = setup(services + rule('a', 'default') + rule('b', 'web'));
    const named = create(NodeSchema, { id: 'sidecar~10.0.0.1~shop-1.web~web.svc.cluster.local' });
    expect(subsetsFor(views, named)).toEqual(['b']);
    expect(subsetsFor(views, create(NodeSchema, { id: 'x' }))).toEqual(['a']);
    expect(subsetsFor(views, node('other', { LABELS: 'x', NODE_NAME: 7 }))).toEqual(['a']);
  });

  it('that cannot be made at all leave the other clients theirs', () => {
    const { views, errors, breakFor } = setup(services + rule('a', 'default'));
    const [web, other] = [node('web'), node('other')];
    views.snapshotFor(web);
    breakFor(services + rule('b', 'web'), 'web', () => {
      throw new RangeError('Maximum call stack size exceeded');
    });
    expect([subsetsFor(views, web), subsetsFor(views, node('web'))]).toEqual([['a'], ['a']]);
    expect(subsetsFor(views, other)).toEqual([]);
    expect(errors).toEqual(['clients of one kind keep what they had']);
  });

  it.each([
    ['inmesh', ''],
    ['Envoy', 'envoy'],
    ['gRPC', 'gRPC Go'],
  ])('that are wrong leave clients of %s what such as they had last, on new connections too', (_, userAgentName) => {
    const { views, errors, breakFor } = setup(services + rule('a', 'default') + rule('b', 'web'));
    const nodeOf = (namespace: string) => ({ ...node(namespace), userAgentName });
    const before = views.snapshotFor(nodeOf('web'))!;
    expect(subsetsFor(views, nodeOf('web'))).toEqual(['b']);
    for (let i = 0; i < 2; i += 1) {
      breakFor(services + rule('c', 'default') + rule('d', 'web'), 'web');
      for (let j = 0; j < 2; j += 1) expect(views.snapshotFor(nodeOf('web'))).toBe(before);
    }
    expect(subsetsFor(views, nodeOf('default'))).toEqual(['c']);
    expect(subsetsFor(views, nodeOf('other'))).toEqual(['c']);
    expect(errors).toEqual(Array(2).fill('clients of one kind keep what they had'));
    expect(views.refused()).toMatchObject([
      { client: expect.stringContaining('"web"'), problems: ['web.yaml: error: is wrong'], hasEarlier: true },
    ]);
  });

  it('that were never right have nothing sent, never what is for another', () => {
    const { views, use, errors, breakFor } = setup();
    const both = services + rule('a', 'default') + rule('b', 'web');
    breakFor(both, 'web');
    const web = node('web');
    for (let i = 0; i < 2; i += 1) expect(views.snapshotFor(web)).toBeUndefined();
    expect(subsetsFor(views, node('default'))).toEqual(['a']);
    expect(views.refused()).toMatchObject([{ client: expect.stringContaining('"web"'), hasEarlier: false }]);
    expect(errors).toEqual(['clients of one kind are sent nothing: there is no configuration that they could use']);
    use(both);
    expect(subsetsFor(views, web)).toEqual(['b']);
    expect(views.refused()).toEqual([]);
  });

  it('that are wrong leave a client what it had when nothing told clients apart', () => {
    const { views, breakFor } = setup(services);
    const { current } = views;
    breakFor(services + rule('b', 'web'), 'web');
    expect(views.snapshotFor(node('web'))).toBe(current);
  });

  it('give a client that calls nothing else what refuses the rest', () => {
    const { views } = setup(services);
    expect(views.snapshotFor(node('default', { INMESH_EGRESS: 'REGISTRY_ONLY' }))!.listener.resources.has('*')).toBe(
      true,
    );
    expect(views.snapshotFor(node('default'))!.listener.resources.has('*')).toBe(false);
  });
});
