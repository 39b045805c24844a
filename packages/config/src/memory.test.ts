import { versionSnapshot } from '@inmesh/xds/server';
import { describe, expect, it } from 'vitest';
import { ConfigSet } from './config-set.js';
import type { SourceFile } from './source-file.js';

function objectFile(kind: string, name: string, content: object): SourceFile {
  const object = { kind, ...content, metadata: { name, namespace: 'default', ...metadataOf(content) } };
  return { path: `${kind}/default/${name}`, text: JSON.stringify(object), object };
}

function metadataOf(content: object): object {
  return 'metadata' in content ? (content.metadata as object) : {};
}

function service(name: string): SourceFile {
  return objectFile('Service', name, { apiVersion: 'v1', spec: { ports: [{ name: 'http', port: 80 }] } });
}

function slice(name: string, address: string): SourceFile {
  return objectFile('EndpointSlice', name, {
    ...{ apiVersion: 'discovery.k8s.io/v1', addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }] },
    metadata: { labels: { 'kubernetes.io/service-name': name } },
    endpoints: [{ addresses: [address] }],
  });
}

const names = ['a', 'b', 'c'];
const files = [...names.map(service), ...names.map((name, index) => slice(name, `10.0.0.${index}`))];
const assignment = (name: string) => `outbound|80||${name}.default.svc.cluster.local`;

describe('A change of the endpoints of one service', () => {
  it('makes its assignment anew, and leaves all that is of others as it was', () => {
    const set = new ConfigSet();
    const before = set.update(files).config!.resources;
    const changed = files.map((file) => (file.path === 'EndpointSlice/default/b' ? slice('b', '10.0.1.1') : file));
    const after = set.update(changed).config!.resources;
    expect(after.assignments.get(assignment('b'))).not.toEqual(before.assignments.get(assignment('b')));
    for (const name of ['a', 'c']) {
      expect(after.assignments.get(assignment(name))).toBe(before.assignments.get(assignment(name)));
      expect(after.clusters.get(assignment(name))).toBe(before.clusters.get(assignment(name)));
    }
  });

  it('leaves the other types of a snapshot the same objects', () => {
    const set = new ConfigSet();
    const before = versionSnapshot(set.update(files).config!.resources, undefined);
    const changed = [...files.slice(0, -1), slice('c', '10.0.1.1')];
    const after = versionSnapshot(set.update(changed).config!.resources, before);
    expect(after.endpoint).not.toBe(before.endpoint);
    for (const kind of ['cluster', 'listener', 'route'] as const) expect(after[kind]).toBe(before[kind]);
  });
});

describe('Two servers with the same objects', () => {
  it('give the same versions, whatever the order and what each has seen before', () => {
    const [one, other] = [new ConfigSet(), new ConfigSet()];
    other.update([...files.slice(2), slice('a', '10.9.9.9')]);
    const versionsOf = (set: ConfigSet, given: readonly SourceFile[]) => {
      const { listener, route, cluster, endpoint } = versionSnapshot(set.update(given).config!.resources, undefined);
      return [listener, route, cluster, endpoint].map(({ version, resources }) => [version, ...resources.keys()]);
    };
    expect(versionsOf(other, files.toReversed())).toEqual(versionsOf(one, files));
  });

  it('make the same of clients that ask for other forms of it', () => {
    const [one, other] = [new ConfigSet(), new ConfigSet()];
    one.update(files);
    other.update(files.toReversed());
    for (const kind of ['envoy', 'grpc'] as const) {
      const versionsOf = (set: ConfigSet) =>
        Object.values(versionSnapshot(set.translator()({ namespace: 'default', kind }).resources, undefined)).map(
          ({ version }) => version,
        );
      expect(versionsOf(other)).toEqual(versionsOf(one));
    }
  });
});
