import type { Issue } from '@inmesh/config';
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../cluster-object.js';
import { istioStatus } from './istio-status.js';
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
