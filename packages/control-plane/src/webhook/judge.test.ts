import { ConfigSet, type SourceFile } from '@inmesh/config';
import { describe, expect, it } from 'vitest';
import { judge } from './judge.js';

interface Options {
  readonly host?: string;
  readonly subset?: string;
  readonly timeout?: string;
  readonly http?: object;
  readonly metadata?: object;
}

function virtualService({ host = 'reviews', subset = 'v1', timeout = '1s', http = {}, metadata = {} }: Options = {}) {
  const route = [{ destination: { host, subset } }];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'reviews', namespace: 'shop', ...metadata },
    spec: { hosts: [host], http: [{ route, timeout, ...http }] },
  };
}

function fileOf(object: { kind: string; metadata: { name: string } }): SourceFile {
  return { path: `${object.kind}/shop/${object.metadata.name}`, text: JSON.stringify(object), object };
}

function route(parentRefs: readonly object[], spec: object) {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'cart', namespace: 'shop' },
    spec: { parentRefs, ...spec },
  };
}

const service = fileOf({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'reviews', namespace: 'shop' } },
  ...{ spec: { ports: [{ port: 80 }] } },
} as never);
const destinationRule = fileOf({
  ...{ apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'r', namespace: 'shop' } },
  ...{ spec: { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] } },
} as never);

function verdictOf(object: object, { current = [] as SourceFile[], operation = 'CREATE', oldObject = {} } = {}) {
  const request = { uid: '1', operation, namespace: 'shop', object, oldObject };
  const set = new ConfigSet();
  set.update(current);
  return judge(request as never, { current: set });
}

describe('An object', () => {
  it('that is right is allowed, without a word where all that it names is known', () => {
    expect(verdictOf(virtualService())).toEqual({ allowed: true, warnings: [] });
    const verdict = verdictOf(virtualService(), { current: [service, destinationRule] });
    expect(verdict).toEqual({ allowed: true, warnings: [] });
  });

  it('that is wrong is denied with the field and what to do', () => {
    const found = verdictOf(virtualService({ http: { retries: { attempts: 2, retryOn: '5xxx' } } }));
    const message =
      'spec.http[0].retries.retryOn: "5xxx" is neither a condition nor a status code (did you mean "5xx"?)';
    expect(found).toMatchObject({ allowed: false, message });
  });

  it('that names what is not there is allowed, with a warning where the others are known', () => {
    const current = [service, destinationRule];
    const host = 'reviews.shop.svc.cluster.local';
    const effect = 'nothing of this change is in use until there is';
    const warning = `no DestinationRule has the subset "v2" of ${host}: ${effect} (did you mean "v1"?)`;
    expect(verdictOf(virtualService({ subset: 'v2' }), { current })).toEqual({
      allowed: true,
      warnings: [`spec.http[0].route[0].destination.subset: ${warning}`],
    });
  });

  it('that names an unknown host is told which one may have been meant, if any is known', () => {
    const field = 'spec.http[0].route[0].destination.host: no Service and no ServiceEntry has the host';
    const effect = 'nothing of this change is in use until there is';
    const unknown = (host: string, ...current: SourceFile[]) =>
      verdictOf(virtualService({ host }), { current }).warnings.find((line) => line.startsWith(field));
    expect(unknown('reveiws', service)).toBe(
      `${field} "reveiws.shop.svc.cluster.local": ${effect} (did you mean "reviews.shop.svc.cluster.local"?)`,
    );
    const elsewhere = fileOf({
      ...{ apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry' },
      metadata: { name: 'x', namespace: 'shop' },
      spec: { hosts: ['other.com'], ports: [{ number: 80, name: 'http' }], resolution: 'DNS' },
    } as never);
    expect(unknown('reveiws', elsewhere)).toBe(
      `${field} "reveiws.shop.svc.cluster.local": ${effect} (known: other.com)`,
    );
    const rule = { ...destinationRule, object: { ...destinationRule.object, spec: { host: 'reveiws' } } };
    const none = '(no Service and no ServiceEntry is known in the namespace shop)';
    expect(unknown('reveiws', rule)).toBe(`${field} "reveiws.shop.svc.cluster.local": ${effect} ${none}`);
    expect(unknown('reveiws')).toBeUndefined();
  });

  it('that is a BackendTLSPolicy is not told of ConfigMaps, which are read only once it is there', () => {
    const policy = (name: string) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'BackendTLSPolicy',
      metadata: { name: 'reviews', namespace: 'shop' },
      spec: {
        targetRefs: [{ group: '', kind: 'Service', name }],
        validation: { hostname: 'a.example', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] },
      },
    });
    expect(verdictOf(policy('reviews'), { current: [service] })).toEqual({ allowed: true, warnings: [] });
    expect(verdictOf(policy('review'), { current: [service] }).warnings).toEqual([
      expect.stringContaining('Service review is not there yet: until it is, not used for it (did you mean'),
    ]);
  });

  it('is told of no object in another namespace', () => {
    const bank = virtualService({ host: 'reveiws', metadata: { namespace: 'bank' } });
    const { warnings } = verdictOf(bank, { current: [service, destinationRule] });
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain('shop');
    const subset = virtualService({
      host: 'reviews.shop.svc.cluster.local',
      subset: 'v2',
      metadata: { namespace: 'bank' },
    });
    expect(verdictOf(subset, { current: [service, destinationRule] }).warnings.join()).not.toContain('v1');
  });

  it('that is sent along with the Service that it names is told so in one line', () => {
    const rule = { backendRefs: [{ name: 'cart', port: 80 }] };
    const sent = route([{ kind: 'Service', group: '', name: 'cart' }], { rules: [rule, rule] });
    const effects = 'the route is not used for it and requests for this backend are answered with an error';
    expect(verdictOf(sent, { current: [service] }).warnings).toEqual([
      `spec.parentRefs[0].name: Service cart is not there yet: until it is, ${effects} (known: reviews.shop.svc.cluster.local)`,
    ]);
  });

  it('that is a route of Gateways is not judged, and of one that has both nothing is said of the Gateway', () => {
    const timeouts = { request: 'soon' };
    const ofOthers = route([{ name: 'edge' }, { kind: 'ListenerSet', name: 'x' }], { rules: [{ timeouts }] });
    expect(verdictOf(ofOthers, { current: [service] })).toEqual({ allowed: true, warnings: [] });
    const gone = { backendRefs: [{ name: 'gone', port: 80 }] };
    const inUse = fileOf(route([{ name: 'edge' }], { rules: [gone] }));
    expect(new ConfigSet().update([service, inUse]).issues).toEqual([]);
    const rules = [{ backendRefs: [{ name: 'reviews', port: 80 }] }];
    const both = route([{ kind: 'Service', group: '', name: 'reviews' }, { name: 'edge' }], { rules });
    expect(verdictOf(both, { current: [service] })).toEqual({ allowed: true, warnings: [] });
  });

  it('takes the place of what it was before', () => {
    const wrong = fileOf(virtualService({ timeout: 'soon' }));
    expect(verdictOf(virtualService(), { current: [service, destinationRule, wrong] })).toEqual({
      allowed: true,
      warnings: [],
    });
  });

  it('is not blamed for others', () => {
    const other = fileOf(virtualService({ timeout: 'soon', metadata: { name: 'other' } }));
    expect(verdictOf(virtualService(), { current: [service, destinationRule, other] }).allowed).toBe(true);
  });

  it('that was wrong before may change in all but its spec, and go', () => {
    const wrong = virtualService({ timeout: 'soon' });
    const labelled = virtualService({ timeout: 'soon', metadata: { labels: { a: 'b' } } });
    expect(verdictOf(labelled, { operation: 'UPDATE', oldObject: wrong }).allowed).toBe(true);
    const leaving = virtualService({ timeout: 'later', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    expect(verdictOf(leaving, { operation: 'UPDATE', oldObject: wrong }).allowed).toBe(true);
    expect(verdictOf(virtualService({ timeout: 'later' }), { operation: 'UPDATE', oldObject: wrong }).allowed).toBe(
      false,
    );
    expect(verdictOf(wrong, { operation: 'DELETE' }).allowed).toBe(true);
  });

  it('of a kind or version that only the API server knows is allowed with a warning', () => {
    const metadata = { name: 'a', namespace: 'shop' };
    const unknown = { apiVersion: 'networking.istio.io/v1', kind: 'MeshNetwork', metadata, spec: {} };
    expect(verdictOf(unknown)).toMatchObject({
      allowed: true,
      warnings: [expect.stringContaining('is not a known kind')],
    });
    const newer = { ...virtualService(), apiVersion: 'networking.istio.io/v2' };
    expect(verdictOf(newer)).toMatchObject({ allowed: true, warnings: [expect.stringContaining('no version "v2"')] });
  });

  it('whose name the API server is to make is judged too', () => {
    const generated = { ...virtualService({ timeout: 'soon' }), metadata: { generateName: 'reviews-' } };
    expect(verdictOf(generated)).toMatchObject({ allowed: false, message: expect.stringContaining('timeout') });
  });

  it('that no client could read is denied, whatever namespace it is in', () => {
    const policy = (spec: object) => ({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'p', namespace: 'prod' },
      spec,
    });
    // With its dots quoted it is longer than an expression may be.
    const principals = [`*${'.'.repeat(2047)}`];
    const message = expect.stringMatching(/^spec: no client can read what it is made into: rules\.policies/);
    const found = verdictOf(policy({ action: 'DENY', rules: [{ from: [{ source: { principals } }] }] }));
    expect(found).toMatchObject({ allowed: false, message });
  });

  it('with many problems is denied with the first ten', () => {
    const http = Array.from({ length: 12 }, () => ({ timeout: 'soon', route: [{ destination: { host: 'reviews' } }] }));
    const many = { ...virtualService(), spec: { hosts: ['reviews'], http } };
    const message = expect.stringMatching(/^spec\.http\[0\].*; and 2 more$/);
    expect(verdictOf(many)).toMatchObject({ allowed: false, message });
  });

  it('has warnings no longer than the API server takes', () => {
    const host = `${`${'x'.repeat(60)}.`.repeat(3)}com`;
    const { warnings } = verdictOf(virtualService({ host }), { current: [service] });
    expect(warnings.map(({ length }) => length)).toEqual([256, 256]);
  });
});
