import { describe, expect, it } from 'vitest';
import { service } from '../test/support.js';
import { ConfigSet } from './config-set.js';
import { formatIssue } from './issues.js';

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

  it('lets nobody in where an AuthorizationPolicy was never right', () => {
    const of = new ConfigSet();
    const policy = (spec: object) => {
      const object = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'a' }, spec };
      return [{ path: 'AuthorizationPolicy/default/a', text: JSON.stringify(object), object }];
    };
    const inbound = ({ config }: ReturnType<ConfigSet['update']>) => config?.resources.listeners.get('virtualInbound');
    const selector = { matchLabels: { app: 'a' } };
    const nothing = inbound(new ConfigSet().update(policy({})));
    expect(nothing).toBeDefined();
    expect(inbound(of.update(policy({ rules: 'all' })))).toEqual(nothing);
    expect(inbound(of.update(policy({ action: 'DENY', rules: 'none' })))).toEqual(nothing);
    expect(inbound(of.update(policy({ selector, rules: 'all' })))).toBeUndefined();
    expect(inbound(new ConfigSet().update(policy({ action: 'AUDIT', rules: 'all' })))).toBeUndefined();
  });

  it('takes nobody in plain text where a PeerAuthentication was never right', () => {
    const peers = (mtls: object) => {
      const object = {
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: 'a' },
        spec: { mtls },
      };
      return [{ path: 'PeerAuthentication/default/a', text: JSON.stringify(object), object }];
    };
    const inbound = ({ config }: ReturnType<ConfigSet['update']>) => config?.resources.listeners.get('virtualInbound');
    const strict = inbound(new ConfigSet().update(peers({ mode: 'STRICT' })));
    expect(strict).toBeDefined();
    expect(inbound(new ConfigSet().update(peers({ mode: 'STRICTEST' })))).toEqual(strict);
  });
});
