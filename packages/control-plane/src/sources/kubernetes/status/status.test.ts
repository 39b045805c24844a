import type { Issue } from '@inmesh/config';
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../cluster-object.js';
import { istioStatus } from './istio-status.js';
import { policyStatus } from './policy-status.js';
import { routeStatus } from './route-status.js';

const now = Date.parse('2026-11-21T22:00:00.000Z');
const controllerName = 'inmesh.io/config-server';

function issue(severity: Issue['severity'], field: string, message: string, isReference = false): Issue {
  const at = { file: 'x', line: 0, column: 0, object: 'x' };
  return { ...at, severity, field, message, ...(isReference && { isReference }) };
}

function object(kind: string, spec: unknown, status: unknown = undefined): ClusterObject {
  return {
    kind,
    metadata: { name: 'a', namespace: 'shop', generation: 3 },
    spec,
    ...(status !== undefined && { status }),
  };
}

describe('The status of an Istio object', () => {
  const earlier = '2026-01-01T00:00:00Z';

  it('says that it is in use, with what there is to say about it', () => {
    const status = istioStatus(object('Sidecar', {}), [issue('warning', 'spec.x', 'is ignored')], now);
    const condition = { type: 'Reconciled', status: 'True', reason: 'Accepted', message: 'spec.x: is ignored' };
    expect(status).toEqual({
      conditions: [{ ...condition, observedGeneration: 3, lastTransitionTime: '2026-11-21T22:00:00Z' }],
      validationMessages: [{ level: 'WARNING', type: { name: 'SchemaWarning', code: 'IST0133' } }],
    });
  });

  it('says that it is not, and why', () => {
    const issues = [issue('error', 'spec.y', 'is missing'), issue('error', 'spec.host', 'is unknown', true)];
    expect(istioStatus(object('Sidecar', {}), issues, now)).toMatchObject({
      conditions: [{ status: 'False', reason: 'Refused', message: 'spec.y: is missing; spec.host: is unknown' }],
      validationMessages: [
        { level: 'ERROR', type: { name: 'ReferencedResourceNotFound' } },
        { level: 'ERROR', type: { name: 'SchemaValidationError' } },
      ],
    });
  });

  it('leaves what others say where it is, and the time of what has not turned', () => {
    const theirs = { type: 'Healthy', status: 'True', lastTransitionTime: earlier };
    const message = { level: 'INFO', documentationUrl: 'https://istio.io/x', type: { code: 'IST0102' } };
    const mine = { type: 'Reconciled', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: earlier };
    const before = { conditions: [mine, theirs], validationMessages: [message, { level: 'ERROR', type: {} }] };
    const status = istioStatus(object('ServiceEntry', {}, before), [], now);
    expect(status).toEqual({ conditions: [{ ...mine, observedGeneration: 3 }, theirs], validationMessages: [message] });
    const turned = istioStatus(object('ServiceEntry', {}, before), [issue('error', '', 'no')], now);
    expect(turned.conditions).toMatchObject([{ status: 'False', lastTransitionTime: '2026-11-21T22:00:00Z' }, theirs]);
  });
});

describe('The status of a route', () => {
  const service = { group: '', kind: 'Service', name: 'reviews', port: 80 };
  const gateway = { name: 'front' };

  function conditions(issues: readonly Issue[]): string {
    const { parents } = routeStatus(object('HTTPRoute', { parentRefs: [service] }), issues, controllerName, now);
    const [parent] = parents as { conditions: { type: string; status: string; reason: string }[] }[];
    return parent!.conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`).join(', ');
  }

  it('says of each Service that it is bound to, and of nothing else', () => {
    const spec = { parentRefs: [gateway, service, { ...service, name: 'ratings' }] };
    const { parents } = routeStatus(object('HTTPRoute', spec), [], controllerName, now);
    expect(parents).toMatchObject([
      { parentRef: service, controllerName },
      { parentRef: { name: 'ratings' }, controllerName },
    ]);
    expect(conditions([])).toBe('Accepted True Accepted, ResolvedRefs True ResolvedRefs');
  });

  it('names the reason that the Gateway API has for it', () => {
    const ref = 'spec.rules[0].backendRefs[1]';
    const cases: [string, string, string][] = [
      ['warning', `${ref}.name`, 'Accepted True Accepted, ResolvedRefs False BackendNotFound'],
      ['warning', `${ref}.port`, 'Accepted True Accepted, ResolvedRefs False BackendNotFound'],
      ['warning', `${ref}.kind`, 'Accepted True Accepted, ResolvedRefs False InvalidKind'],
      ['warning', `${ref}.namespace`, 'Accepted True Accepted, ResolvedRefs False RefNotPermitted'],
      [
        'warning',
        'spec.rules[0].filters[0].requestMirror.backendRef.name',
        'Accepted True Accepted, ResolvedRefs False BackendNotFound',
      ],
      ['warning', 'spec.parentRefs[0].name', 'Accepted False NoMatchingParent, ResolvedRefs True ResolvedRefs'],
      ['warning', 'spec.parentRefs[0].port', 'Accepted False Conflicted, ResolvedRefs True ResolvedRefs'],
      ['warning', 'spec.parentRefs', 'Accepted True Accepted, ResolvedRefs True ResolvedRefs'],
      ['warning', 'spec.parentRefs[1]', 'Accepted True Accepted, ResolvedRefs True ResolvedRefs'],
      ['error', 'spec.rules[0].name', 'Accepted False UnsupportedValue, ResolvedRefs True ResolvedRefs'],
    ];
    for (const [severity, field, wanted] of cases) {
      expect(conditions([issue(severity as Issue['severity'], field, 'no')]), field).toBe(wanted);
    }
  });

  it('keeps the entries of other controllers, and of its own those that the route still names', () => {
    const theirs = { parentRef: service, controllerName: 'other.test/x', conditions: [] };
    const old = { parentRef: { ...service, name: 'old' }, controllerName, conditions: [] };
    const route = object('HTTPRoute', { parentRefs: [service] }, { parents: [theirs, old] });
    const { parents } = routeStatus(route, [], controllerName, now) as { parents: { controllerName: string }[] };
    expect(parents[0]).toBe(theirs);
    expect(parents).toMatchObject([theirs, { parentRef: service, controllerName }]);
  });
});

describe('The status of a route that many controllers write in', () => {
  it('has no more entries than fit, and says how many of ours are left out', () => {
    const theirs = Array.from({ length: 31 }, (_, at) => ({ controllerName: `other.test/${at}`, conditions: [] }));
    const parentRefs = ['a', 'b', 'c'].map((name) => ({ group: '', kind: 'Service', name }));
    const left: number[] = [];
    const route = object('HTTPRoute', { parentRefs }, { parents: theirs });
    const { parents } = routeStatus(route, [], controllerName, now, (count) => left.push(count));
    expect(parents).toMatchObject([...theirs, { parentRef: { name: 'a' }, controllerName }]);
    expect(parents).toHaveLength(32);
    expect(left).toEqual([2]);
  });
});

describe('The status of a BackendTLSPolicy', () => {
  const service = { group: '', kind: 'Service', name: 'bank', sectionName: 'https' };
  const caCertificateRefs = ['a', 'b'].map((name) => ({ group: '', kind: 'ConfigMap', name }));

  function conditions(issues: readonly Issue[]): string {
    const spec = { targetRefs: [service], validation: { caCertificateRefs } };
    const { ancestors } = policyStatus(object('BackendTLSPolicy', spec), issues, controllerName, now);
    const [ancestor] = ancestors as { conditions: { type: string; status: string; reason: string }[] }[];
    return ancestor!.conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`).join(', ');
  }

  it('names the reason that the Gateway API has for it', () => {
    const ref = (index: number, field: string) => `spec.validation.caCertificateRefs[${index}].${field}`;
    const cases: [Issue['severity'], readonly string[], string][] = [
      ['warning', [], 'Accepted True Accepted, ResolvedRefs True ResolvedRefs'],
      ['warning', [ref(0, 'name')], 'Accepted True Accepted, ResolvedRefs False InvalidCACertificateRef'],
      ['warning', [ref(0, 'kind')], 'Accepted True Accepted, ResolvedRefs False InvalidKind'],
      [
        'warning',
        [ref(0, 'name'), ref(1, 'name')],
        'Accepted False NoValidCACertificate, ResolvedRefs False InvalidCACertificateRef',
      ],
      ['warning', ['spec.targetRefs[0]'], 'Accepted False Conflicted, ResolvedRefs True ResolvedRefs'],
      ['warning', ['spec.targetRefs[0].name'], 'Accepted False TargetNotFound, ResolvedRefs True ResolvedRefs'],
      ['warning', ['spec.targetRefs[1]'], 'Accepted True Accepted, ResolvedRefs True ResolvedRefs'],
      ['warning', ['spec.validation'], 'Accepted True Accepted, ResolvedRefs True ResolvedRefs'],
      ['error', ['spec.validation'], 'Accepted False Invalid, ResolvedRefs True ResolvedRefs'],
    ];
    for (const [severity, fields, wanted] of cases) {
      expect(conditions(fields.map((field) => issue(severity, field, 'no'))), fields.join()).toBe(wanted);
    }
  });

  it('has an entry for each Service that it is for, beside those of other controllers, and no more than fit', () => {
    const theirs = { ancestorRef: { name: 'front' }, controllerName: 'other.test/x', conditions: [] };
    const old = { ancestorRef: { ...service, name: 'old' }, controllerName, conditions: [] };
    const targetRefs = [{ group: 'x.io', kind: 'Pool', name: 'a' }, service];
    const policy = object('BackendTLSPolicy', { targetRefs, validation: {} }, { ancestors: [theirs, old] });
    const { ancestors } = policyStatus(policy, [], controllerName, now);
    expect(ancestors).toMatchObject([theirs, { ancestorRef: service, controllerName }]);
    expect(ancestors).toHaveLength(2);
    const full = object('BackendTLSPolicy', { targetRefs }, { ancestors: Array.from({ length: 16 }, () => theirs) });
    expect(policyStatus(full, [], controllerName, now).ancestors).toEqual(Array.from({ length: 16 }, () => theirs));
  });
});
