import { describe, expect, it } from 'vitest';
import { service } from '../test/support.js';
import { ConfigSet } from './config-set.js';
import { formatIssue } from './issues.js';
import type { SourceFile } from './source-file.js';

const broken = 'a: [b';

function setOf(first: Record<string, string>) {
  const set = new ConfigSet();
  const update = (files: Record<string, string>) => {
    const { config, refused } = set.update(Object.entries(files).map(([path, text]) => ({ path, text })));
    const hosts = config && [...config.resources.listeners.keys()].map((name) => name.split('.')[0]);
    return { hosts, refused };
  };
  return { update, before: update(first) };
}

describe('A set of files', () => {
  it('goes on without a new file that is broken, and takes it once it is mended', () => {
    const { update } = setOf({ 'a.yaml': service('a', 80) });
    const changed = service('a', 80) + service('b', 80);
    expect(update({ 'a.yaml': changed, 'new.yaml': broken })).toEqual({ hosts: ['a', 'b'], refused: ['new.yaml'] });
    const mended = update({ 'a.yaml': changed, 'new.yaml': service('c', 80) });
    expect(mended).toEqual({ hosts: ['a', 'b', 'c'], refused: [] });
  });

  it('gives the same configuration as long as the same contents are in use', () => {
    const set = new ConfigSet();
    const configOf = (text: string) => set.update([{ path: 'a.yaml', text }]).config;
    const first = configOf(service('a', 80));
    expect([configOf(broken), configOf(`${broken}]`), configOf(service('a', 80))]).toEqual([first, first, first]);
    expect([configOf(broken), configOf(service('a', 80))].every((config) => config === first)).toBe(true);
    expect(configOf(service('a', 81))).not.toBe(first);
  });

  it('is not used in part at the start', () => {
    const { before } = setOf({ 'a.yaml': service('a', 80), 'b.yaml': broken });
    expect(before).toEqual({ hosts: undefined, refused: ['b.yaml'] });
  });

  it('names what is held back by a mistake in a file that did not change', () => {
    const { update } = setOf({ 'a.yaml': service('a', 80), 'z.yaml': service('z', 80) });
    const held = update({ 'a.yaml': service('a', 80) + service('z', 80), 'z.yaml': service('z', 80) });
    expect(held).toEqual({ hosts: ['a', 'z'], refused: ['z.yaml', 'a.yaml'] });
  });
});

function virtualService(subset: string) {
  const http = [{ route: [{ destination: { host: 'reviews', subset } }] }];
  const spec = { hosts: ['reviews'], http };
  return { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'reviews' }, spec };
}

function destinationRule(subsets: unknown) {
  const spec = { host: 'reviews', subsets };
  return { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'reviews' }, spec };
}

function plainService(name: string, port: unknown = 80) {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port }] } };
}

describe('A set of the objects of a cluster', () => {
  const set = () => {
    const of = new ConfigSet();
    return (...objects: { kind: string; metadata: { name: string } }[]) => {
      const files = objects.map((object) => {
        return { path: `${object.kind}/default/${object.metadata.name}`, text: JSON.stringify(object), object };
      });
      const { config, refused, issues } = of.update(files);
      const clusters =
        config && [...config.resources.clusters.keys()].map((name) => name.split('|').slice(2).join(' '));
      return { clusters, refused, errors: issues.filter(({ severity }) => severity === 'error').map(formatIssue) };
    };
  };
  const cluster = (name: string, subset = '') => `${subset} ${name}.default.svc.cluster.local`;
  const subsets = [{ name: 'v1', labels: { version: 'v1' } }];

  it('is used without a broken one from the start, and says which it is', () => {
    const update = set();
    expect(update(plainService('a'), plainService('b', 'x'))).toEqual({
      clusters: [cluster('a')],
      refused: ['Service/default/b'],
      errors: ['Service/default/b: error: spec.ports[0].port: should be a whole number, is the text "x"'],
    });
    expect(update(plainService('a'), plainService('b')).clusters).toEqual([cluster('a'), cluster('b')]);
    expect(update(plainService('a'), plainService('b', 'y')).clusters).toEqual([cluster('a'), cluster('b')]);
  });

  it('keeps what depends on an object whose last good content stays', () => {
    const update = set();
    const all = [cluster('reviews', 'v1'), cluster('reviews')];
    expect(update(plainService('reviews'), destinationRule(subsets), virtualService('v1')).clusters).toEqual(all);
    const broken = update(plainService('reviews'), destinationRule('none'), virtualService('v1'));
    expect(broken).toMatchObject({ clusters: all, refused: ['DestinationRule/default/reviews'] });
  });

  it('goes on without what depends on an object that is gone, and has it back with that', () => {
    const update = set();
    update(plainService('reviews'), destinationRule(subsets), virtualService('v1'));
    const without = update(plainService('reviews'), plainService('more'), virtualService('v1'));
    expect(without.clusters).toEqual([cluster('more'), cluster('reviews')]);
    expect(without.refused).toEqual(['VirtualService/default/reviews']);
    expect(without.errors).toEqual([expect.stringContaining('no DestinationRule has the subset "v1"')]);
    const again = update(plainService('reviews'), destinationRule(subsets), virtualService('v1'));
    expect(again.refused).toEqual([]);
  });

  it('makes no connection in plain text where a BackendTLSPolicy was never right', () => {
    const policy = (validation: object) => {
      const targetRefs = [{ group: '', kind: 'Service', name: 'a' }];
      const metadata = { name: 'a', namespace: 'default' };
      const apiVersion = 'gateway.networking.k8s.io/v1';
      const object = { apiVersion, kind: 'BackendTLSPolicy', metadata, spec: { targetRefs, validation } };
      return { path: 'BackendTLSPolicy/default/a', text: JSON.stringify(object), object };
    };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } };
    const files = (validation: object) => [
      policy(validation),
      { path: 'Service/default/a', text: JSON.stringify(service), object: service },
    ];
    const of = new ConfigSet();
    const socket = (validation: object) => {
      const { config } = of.update(files(validation));
      return config?.resources.clusters.get('outbound|80||a.default.svc.cluster.local')?.transportSocket;
    };
    const refused = socket({ hostname: 'a.example', wellKnownCACertificates: 'Mine' })?.configType.value;
    expect(Buffer.from(refused!.value).toString()).toContain('invalid://BackendTLSPolicy default/a trusts nobody');
    const right = socket({ hostname: 'a.example', wellKnownCACertificates: 'System' });
    expect(right).toBeDefined();
    expect(socket({ hostname: '?', wellKnownCACertificates: 'System' })).toEqual(right);
  });
});

describe('The last good content that others have kept', () => {
  const rule = (uid: string, subset: string): SourceFile => {
    const { metadata, ...rest } = virtualService(subset);
    const object = { ...rest, metadata: { ...metadata, uid } };
    return { path: 'VirtualService/default/reviews', text: `${uid} ${subset}`, object };
  };
  const fixed = [plainService('reviews'), destinationRule(['v1', 'v2'].map((name) => ({ name, labels: { name } })))];
  const others = fixed.map((object) => ({ path: object.kind, text: JSON.stringify(object), object }));
  const kept = (now: SourceFile, file: SourceFile, isDecided: boolean) => ({ ...now, lastGood: { file, isDecided } });
  /** Which subset calls go to, and what of the rule is the last good. */
  const after = (set: ConfigSet, now: SourceFile) => {
    const { config, lastGood, refused } = set.update([...others, now]);
    const routes = config?.resources.routes.get('reviews.default.svc.cluster.local:80');
    const [, subset] =
      /\|80\|(v\d)\|/.exec(JSON.stringify(routes, (_, value) => (typeof value === 'bigint' ? 0 : value))) ?? [];
    return { subset, lastGood: lastGood.map(({ text }) => text), refused: refused.length };
  };
  const good = rule('a', 'v1');
  const broken = rule('a', 'v3');

  it('is used by who has seen nothing else, and never in place of what is right', () => {
    const used = { subset: 'v1', lastGood: ['a v1'], refused: 1 };
    expect(after(new ConfigSet(), kept(broken, good, true))).toEqual(used);
    expect(after(new ConfigSet(), kept(broken, good, false))).toEqual(used);
    const right = { subset: 'v2', lastGood: [], refused: 0 };
    expect(after(new ConfigSet(), kept(rule('a', 'v2'), good, true))).toEqual(right);
  });

  it('goes before what was seen when it was kept for this content, and after it when for another', () => {
    for (const [isDecided, subset] of [
      [true, 'v1'],
      [false, 'v2'],
    ] as const) {
      const set = new ConfigSet();
      set.update([...others, rule('a', 'v2')]);
      expect(after(set, kept(broken, good, isDecided))).toEqual({ subset, lastGood: [`a ${subset}`], refused: 1 });
    }
  });

  it('is of the same object, not of another of its name', () => {
    const none = { subset: undefined, lastGood: [], refused: 1 };
    expect(after(new ConfigSet(), kept(broken, rule('b', 'v1'), true))).toEqual(none);
    const set = new ConfigSet();
    set.update([...others, rule('b', 'v1')]);
    expect(after(set, broken)).toEqual(none);
  });

  it('is judged as the object itself would be', () => {
    const none = { subset: undefined, lastGood: [], refused: 1 };
    expect(after(new ConfigSet(), kept(broken, rule('a', 'v4'), true))).toEqual(none);
    expect(after(new ConfigSet(), kept(broken, { ...good, object: { junk: {} } }, true))).toEqual(none);
  });

  it('of equal contents gives the same configuration', () => {
    const set = new ConfigSet();
    const { config } = set.update([...others, good]);
    expect(set.update([...others, kept(broken, { ...good }, true)]).config).toBe(config);
  });
});

describe('A file that is looked at among those in use', () => {
  const service = (name: string, port: number): SourceFile => {
    const object = {
      ...{ apiVersion: 'v1', kind: 'Service' },
      metadata: { name, namespace: 'a' },
      spec: { ports: [{ port }] },
    };
    return { path: `Service/a/${name}`, text: `${port}`, object };
  };
  const rule = (host: string, port: number): SourceFile => {
    const spec = { hosts: [host], http: [{ route: [{ destination: { host, port: { number: port } } }] }] };
    const metadata = { name: 'rule', namespace: 'a' };
    return {
      path: 'VirtualService/a/rule',
      text: host,
      object: { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata, spec },
    };
  };
  const messages = (set: ConfigSet, file: SourceFile) => set.issuesOf(file).map(({ message }) => message);

  it('is told what it takes of the others, and changes nothing', () => {
    const set = new ConfigSet();
    const { config } = set.update([service('one', 80), rule('one', 80)]);
    expect(messages(set, rule('one', 80))).toEqual([]);
    expect(messages(set, rule('one', 81))).toEqual(['there is no port 81: one.a.svc.cluster.local has port 80']);
    expect(messages(set, service('two', 80))).toEqual([]);
    expect(messages(set, rule('two', 80))).toHaveLength(2);
    expect(set.update([service('one', 80), rule('one', 80)]).config).toBe(config);
    expect(set.translator()({ namespace: 'a', kind: 'envoy' }).issues).toEqual([]);
  });
});
