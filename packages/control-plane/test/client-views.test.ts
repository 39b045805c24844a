import { create, type JsonObject } from '@bufbuild/protobuf';
import { type ClientView, ConfigSet } from '@inmesh/config';
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

function setup(text: string) {
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
  use(text);
  return { views, use, errors, warnings, translated };
}

function node(namespace: string, metadata: JsonObject = {}, zone?: string): Node {
  const locality = zone === undefined ? {} : { locality: { region: 'eu', zone, subZone: '' } };
  return create(NodeSchema, { id: 'a', metadata: { NAMESPACE: namespace, ...metadata }, ...locality });
}

function subsetsFor(views: ClientViews, of: Node): string[] {
  const names = [...(views.snapshotFor(of)?.cluster.resources.keys() ?? [])];
  return names.map((name) => name.split('|')[2]!).filter((subset) => subset !== '');
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
    const { views, errors } = setup(services);
    const { listener } = views.current!;
    const traits = { namespace: true, labels: new Set<string>(), locality: false, nodeName: false };
    const load = () => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    const { config } = new ConfigSet().update([{ path: 'a.yaml', text: services }]);
    views.setVersioned(versionSnapshot(config!.resources, views.current), { traits, load });
    const web = node('web');
    expect([views.snapshotFor(web), views.snapshotFor(web)]).toEqual([views.current, views.current]);
    expect(views.current!.listener).toBe(listener);
    expect(errors).toHaveLength(1);
  });

  it('that are wrong are told once, and what is for the default client stands in', () => {
    const { views, errors } = setup(services);
    const { current } = views;
    const files = new ConfigSet();
    const { config } = files.update([{ path: 'a.yaml', text: services }]);
    const issue = {
      severity: 'error',
      file: 'a.yaml',
      line: 1,
      column: 1,
      object: 'A',
      field: 'b',
      message: 'c',
    } as const;
    const traits = { ...config!.client, namespace: true };
    views.setVersioned(versionSnapshot(config!.resources, views.current), {
      traits,
      load: () => ({ ...config!, issues: [issue] }),
    });
    for (let i = 0; i < 2; i += 1) expect(views.snapshotFor(node('web'))).toEqual(current);
    expect(errors).toEqual(['clients of one kind keep what they had']);
  });

  it.each([
    ['envoy', 'gRPC Go'],
    ['gRPC Go', 'envoy'],
  ])('that are wrong leave %s what it had, and who comes then nothing', (userAgentName, other) => {
    const { views, errors } = setup(services);
    const nodeOf = (namespace: string, name = userAgentName) => ({ ...node(namespace), userAgentName: name });
    const connected = nodeOf('web');
    const before = views.snapshotFor(connected)!;
    expect(before.listener).not.toBe(views.current!.listener);
    const { config } = new ConfigSet().update([{ path: 'a.yaml', text: services }]);
    const load = () => {
      throw new Error('no such view');
    };
    views.setVersioned(views.current!, { traits: config!.client, load });
    expect(views.snapshotFor(connected)).toBe(before);
    const newcomers = [nodeOf('web'), nodeOf('other'), nodeOf('web', other)];
    for (const one of newcomers) expect(views.snapshotFor(one)).toBeUndefined();
    expect(errors).toHaveLength(2);
  });

  it('give a client that calls nothing else what refuses the rest', () => {
    const { views } = setup(services);
    expect(views.snapshotFor(node('default', { INMESH_EGRESS: 'REGISTRY_ONLY' }))!.listener.resources.has('*')).toBe(
      true,
    );
    expect(views.snapshotFor(node('default'))!.listener.resources.has('*')).toBe(false);
  });
});
