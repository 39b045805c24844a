import { describe, expect, it } from 'vitest';
import { issuesOf } from '../test/support.js';

function ofKind(apiVersion: string, kind: string): string[] {
  return issuesOf(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x }\n`);
}

describe('A kind that is not translated', () => {
  it.each([
    ['constructor/v1', 'Thing'],
    ['__proto__/v1', 'Thing'],
    ['networking.istio.io/v1', 'constructor'],
  ])('may be named like a property of every object: %s %s', (apiVersion, kind) => {
    expect(ofKind(apiVersion, kind)).toEqual([expect.stringContaining(`${apiVersion} ${kind} is not a known kind`)]);
  });

  it.each([
    ['apps/v1', 'Deployment'],
    ['v1', 'Namespace'],
    ['v1', 'ServiceAccount'],
    ['v1', 'ConfigMap'],
    ['networking.k8s.io/v1', 'NetworkPolicy'],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
  ])('is passed over when it has nothing to do with the mesh: %s %s', (apiVersion, kind) => {
    expect(ofKind(apiVersion, kind)).toEqual([]);
  });

  it.each([
    ['networking.istio.io/v1', 'EnvoyFilter'],
    ['telemetry.istio.io/v1', 'Telemetry'],
    ['gateway.networking.k8s.io/v1', 'Gateway'],
    ['gateway.networking.k8s.io/v1alpha2', 'TLSRoute'],
    ['v1', 'Endpoints'],
  ])('is warned of when its absence matters: %s %s', (apiVersion, kind) => {
    expect(ofKind(apiVersion, kind)).toEqual([
      expect.stringContaining(`warning: ${kind} default/x: kind: not supported yet`),
    ]);
  });

  it('is an error in the group of a mesh that has no such kind', () => {
    expect(ofKind('networking.istio.io/v1', 'VirtualServices')).toEqual([
      'a.yaml:2:1: error: VirtualServices default/x: kind: networking.istio.io/v1 VirtualServices is not a known kind (did you mean "VirtualService"?)',
    ]);
    expect(ofKind('gateway.networking.k8s.io/v1', 'HttpRoute')).toEqual([
      expect.stringMatching(/did you mean "HTTPRoute"/),
    ]);
  });

  it('is warned of when nothing is known of it', () => {
    expect(ofKind('example.com/v1', 'Widget')).toEqual([
      expect.stringMatching(/warning: .*is not a known kind: ignored$/),
    ]);
    expect(ofKind('v1', 'Servce')).toEqual([expect.stringMatching(/warning: .*did you mean "Service"/)]);
    expect(ofKind('networking.istio.io/v1', 'HTTPRoute')).toEqual([
      expect.stringMatching(/error: .*is not a known kind/),
    ]);
  });
});

describe('A kind that is translated', () => {
  it('is refused in a version that it does not have', () => {
    const text =
      'apiVersion: networking.istio.io/v2\nkind: DestinationRule\nmetadata: { name: x }\nspec: { host: "*" }\n';
    expect(issuesOf(text)).toEqual([
      'a.yaml:1:1: error: DestinationRule default/x: apiVersion: DestinationRule has no version "v2" (known: networking.istio.io/v1, networking.istio.io/v1beta1, networking.istio.io/v1alpha3)',
    ]);
  });

  it('is refused without a spec', () => {
    expect(ofKind('networking.istio.io/v1', 'VirtualService')).toEqual([
      'a.yaml:1:1: error: VirtualService default/x: spec: is missing',
    ]);
  });
});
