import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { loadConfig } from '../src/index.js';
import type { Place } from '../src/place.js';
import type { AnyField } from '../src/schema/field.js';
import { object } from '../src/schema/field.js';
import { translatedKinds } from '../src/schema/kinds.js';
import { limitsFields } from '../src/schema/rate-limits.js';
import { clientIn } from './golden-client.js';

/** `VirtualService.spec.http[].name`: what the translation has looked at. */
const seen = vi.hoisted(() => new Set<string>());

vi.mock('../src/schema/read.js', async (original) => {
  const { read } = await original<typeof import('../src/schema/read.js')>();
  const watch = (value: unknown, field: AnyField | undefined, path: string): unknown => {
    seen.add(path);
    if (typeof value !== 'object' || value === null || field === undefined) return value;
    return new Proxy(value, {
      get(target, key) {
        const inner: unknown = Reflect.get(target, key);
        const below = typeof key === 'string' ? fieldBelow(field, key) : undefined;
        return below === undefined ? inner : watch(inner, below.field, `${path}${below.step}`);
      },
    });
  };
  const fieldBelow = (field: AnyField, key: string): { field: AnyField; step: string } | undefined => {
    if (field.kind === 'list') return /^\d+$/.test(key) ? { field: field.item, step: '[]' } : undefined;
    if (field.kind === 'map') return { field: field.value, step: '.*' };
    const known = field.kind === 'object' && Object.hasOwn(field.fields, key) ? field.fields[key] : undefined;
    return known && { field: known, step: `.${key}` };
  };
  return {
    read: (value: unknown, field: AnyField, place: Place) => watch(read(value, field, place), field, place.object.kind),
  };
});

const folder = new URL('./golden/', import.meta.url);
// Joining rules copies all of their fields, so that each would count as read.
const names = readdirSync(folder).filter((name) => name.endsWith('.in.yaml') && !name.includes('delegates'));

/** What no golden file says. */
const more = `
apiVersion: v1
kind: Secret
metadata: { name: a }
type: Opaque
data: { cacert: QQ== }
stringData: { crl: a }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: e }
spec:
  hosts: [e.example]
  ports: [{ number: 80, name: http }]
  resolution: STATIC
  endpoints: [{ address: 10.0.0.1, locality: r/z }, { address: 10.0.0.2, locality: x/z }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: exported }
spec: { host: a, exportTo: [.] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: cookie }
spec:
  host: e.example
  workloadSelector: { matchLabels: { app: a } }
  trafficPolicy:
    loadBalancer:
      consistentHash: { httpCookie: { name: a, path: /, ttl: 1s }, maglev: { tableSize: 7 } }
      localityLbSetting: { enabled: true, failover: [{ from: r, to: b }] }
    outlierDetection: {}
  subsets:
    - { name: a, trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true, ringHash: { minimumRingSize: 2 } } } } }
    - { name: b, trafficPolicy: { retryBudget: { percent: 1, minRetryConcurrency: 1 } } }
---
apiVersion: v1
kind: Service
metadata: { name: a }
spec: { clusterIPs: [None], internalTrafficPolicy: Local, ports: [{ port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec:
  hosts: [a]
  http:
    - match: [{ headers: { x: { exact: a } }, withoutHeaders: { x: { exact: a } }, queryParams: { x: { exact: a } } }]
      headers: { response: { add: { a: a } } }
      route:
        - destination: { host: a }
          headers: { request: { remove: [a] }, response: { set: { a: a } } }
      mirrors: [{ destination: { host: a, port: { number: 80 } } }]
    - delegate: { name: nobody }
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: a }
spec:
  workloadSelector: { labels: { app: a } }
  egress: [{ port: { number: 80 }, hosts: [./*] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: a }
spec:
  parentRefs: [{ kind: Service, group: '', name: a }]
  rules:
    - filters:
        - type: ResponseHeaderModifier
          responseHeaderModifier: { set: [{ name: a, value: a }], add: [{ name: b, value: a }], remove: [c] }
      backendRefs:
        - name: a
          port: 80
          filters:
            - type: RequestHeaderModifier
              requestHeaderModifier: { set: [{ name: a, value: a }], add: [{ name: b, value: a }], remove: [c] }
            - type: ResponseHeaderModifier
              responseHeaderModifier: { set: [{ name: a, value: a }], add: [{ name: b, value: a }], remove: [c] }
`;

/** Words of which one asks for what is done anyway; each other one is said to be without effect. */
const done = ['Service.spec.sessionAffinity'];

it('Every field that is not said to be without effect is looked at by the translation', () => {
  const texts = [...names.map((name) => readFileSync(new URL(name, folder), 'utf8')), more];
  for (const text of texts) {
    const client = { namespace: 'default', labels: { app: 'a' }, locality: { region: 'r', zone: 'z', subZone: '' } };
    for (const options of [clientIn(text), { client }]) loadConfig([{ path: 'a.yaml', text }], options);
  }
  const read = new Set([...seen].map(oncePerPolicy));
  const tables = Object.entries({ ...translatedKinds, limits: { fields: limitsFields } });
  const acted = tables.flatMap(([kind, { fields }]) => leavesOf(object(fields), kind));
  const unread = new Set(acted.map(oncePerPolicy).filter((path) => !read.has(path) && !done.includes(path)));
  expect([...unread]).toEqual([]);
});

/** Fields with a value of their own that are acted on. */
function leavesOf(field: AnyField, path: string): string[] {
  switch (field.kind) {
    case 'object':
      return Object.entries(field.fields).flatMap(([name, inner]) => leavesOf(inner, `${path}.${name}`));
    case 'list':
      return leavesOf(field.item, `${path}[]`);
    case 'map':
      return leavesOf(field.value, `${path}.*`);
    case 'ignored':
    case 'refused':
    case 'unneeded':
      return [];
    case 'anything':
      return field.check === undefined ? [] : [path];
    default:
      return [path];
  }
}

/** A traffic policy is read by the same code wherever it stands. */
function oncePerPolicy(path: string): string {
  return path
    .replace('spec.subsets[].trafficPolicy.', 'spec.trafficPolicy.')
    .replace('spec.trafficPolicy.portLevelSettings[].', 'spec.trafficPolicy.')
    .replace(
      /^DestinationRule.spec\.trafficPolicy\.port\./,
      'DestinationRule.spec.trafficPolicy.portLevelSettings[].port.',
    );
}
