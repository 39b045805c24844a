import { versionSnapshot } from '@inmesh/xds/server';
import { describe, expect, it, vi } from 'vitest';
import { ConfigSet } from './config-set.js';
import { Memory } from './memory.js';
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

describe('What is made anew for a change', () => {
  /** How often each thing was made while `act` went on. */
  function madeIn(act: () => void): Record<string, number> {
    const made: Record<string, number> = {};
    const recall = Memory.prototype.recall;
    const spy = vi.spyOn(Memory.prototype, 'recall').mockImplementation(function (
      this: Memory,
      owner,
      name,
      inputs,
      make,
    ) {
      return recall.call(this, owner, name, inputs, () => {
        made[name] = (made[name] ?? 0) + 1;
        return make();
      });
    } as typeof recall);
    act();
    spy.mockRestore();
    return made;
  }

  function mesh(size: number): SourceFile[] {
    const all = Array.from({ length: size }, (_, index) => `s${String(index).padStart(4, '0')}`);
    return all.flatMap((name, index) => [
      service(name),
      slice(name, `10.0.${index >> 8}.${index & 255}`),
      split(name, 50),
    ]);
  }

  function split(name: string, weight: number): SourceFile {
    const to = (part: number) => ({ destination: { host: name }, weight: part });
    const spec = { hosts: [name], http: [{ route: [to(weight), to(100 - weight)] }] };
    return objectFile('VirtualService', name, { apiVersion: 'networking.istio.io/v1', spec });
  }

  function madeFor(size: number, changed: SourceFile): Record<string, number> {
    const set = new ConfigSet();
    const all = mesh(size);
    set.update(all);
    const next = all.map((file) => (file.path === changed.path ? changed : file));
    return madeIn(() => set.update(next));
  }

  const ofAnyChange = {
    ...{ 'files of run': 1, 'bootstraps of run': 1, 'limits of run': 1, 'read of run': 1, read: 1 },
    ...{ 'checks of run': 1, check: 1, routes: 1, 'listeners of run': 1, listeners: 1 },
  };

  it('of one EndpointSlice is of its service, and does not grow with the mesh', () => {
    const made = madeFor(80, slice('s0070', '10.1.1.1'));
    expect(madeFor(260, slice('s0070', '10.1.1.1'))).toEqual(made);
    expect(made).toEqual({
      ...{ ...ofAnyChange, 'sorted EndpointSlice': 1, service: 1, 'clusters of run': 1, clusters: 1 },
      // Of four types, as the service is another object. Three of them have equal messages.
      'by name': 4,
    });
  });

  it('of one VirtualService is of its hosts, and does not grow with the mesh', () => {
    const made = madeFor(80, split('s0070', 40));
    expect(madeFor(260, split('s0070', 40))).toEqual(made);
    expect(made).toEqual({
      ...{ ...ofAnyChange, 'sorted VirtualService': 1, 'rule sets of run': 1, rules: 1, 'by name': 2 },
    });
  });

  it('of an object that is only looked at is the same, and nothing of it is kept', () => {
    const lookAt = (size: number) => {
      const set = new ConfigSet();
      const all = mesh(size);
      set.update(all);
      const looks = [1, 2].map(() => madeIn(() => set.issuesOf(split('s0070', 40))));
      return { looks, after: madeIn(() => set.update([...all])) };
    };
    const { looks, after } = lookAt(80);
    expect(lookAt(260)).toEqual({ looks, after });
    expect(looks[0]).toEqual({
      ...{ ...ofAnyChange, 'sorted VirtualService': 1, 'rule sets of run': 1, rules: 1, 'by name': 2 },
    });
    expect(looks[1]).toEqual(looks[0]);
    expect(after).toEqual({});
  });
});
