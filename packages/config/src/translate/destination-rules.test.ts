import { describe, expect, it } from 'vitest';
import { issuesOf, service } from '../../test/support.js';

function entry(...endpoints: string[]): string {
  return `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api }
spec:
  hosts: [api.example.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [${endpoints.join(', ')}]
`;
}

function rule(...subsets: string[]): string {
  return `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: api }
spec:
  host: api.example.com
  subsets:
${subsets.map((subset) => `    - ${subset}`).join('\n')}
`;
}

const shopRule = rule(...['v1', 'v2', 'v3'].map((name) => `{ name: ${name}, labels: { version: ${name} } }`)).replace(
  'api.example.com',
  'api',
);

function podOf(version: string, ready: boolean): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${version}, labels: { version: ${version} } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${version}, labels: { kubernetes.io/service-name: api } }
addressType: IPv4
ports: ${ready ? '[{ name: http-80, port: 8080 }]' : '[]'}
endpoints: [{ addresses: [10.0.0.1], conditions: { ready: ${ready} }, targetRef: { kind: Pod, name: ${version} } }]
`;
}

const v1 = '{ address: 10.0.0.1, labels: { app: api, version: v1 } }';
const v2 = '{ address: 10.0.0.2, labels: { app: api, version: v2 } }';

describe('A subset', () => {
  it.each([
    ['{ version: v9 }', /has the labels \{ version: v9 \}: requests to "x" fail \(they have version: v1, v2\)$/],
    ['{ versoin: v1 }', /\(did you mean "version"\?\)$/],
    ['{ tier: a }', /\(none has the label "tier"\)$/],
    ['{ toString: a }', /\(none has the label "toString"\)$/],
  ])('that selects none of the endpoints that are known is warned of: %s', (labels, expected) => {
    const [issue, ...more] = issuesOf(
      entry(v1, v2),
      rule('{ name: v1, labels: { version: v1 } }', `{ name: x, labels: ${labels} }`),
    );
    expect(more).toEqual([]);
    expect(issue).toMatch(
      /^b\.yaml:9:7: warning: DestinationRule default\/api: spec\.subsets\[1\]: no endpoint of api/,
    );
    expect(issue).toMatch(expected);
  });

  it('of a service without any endpoint is not', () => {
    expect(issuesOf(entry(), rule('{ name: x, labels: { version: v9 } }'))).toEqual([]);
  });

  it('of Pods that are not ready yet is not either', () => {
    const issues = issuesOf(podOf('v1', true), podOf('v2', false), service('api', 80), shopRule);
    expect(issues).toEqual([expect.stringMatching(/spec\.subsets\[2\]: .*\(they have version: v1, v2\)$/)]);
  });

  it('without labels selects all', () => {
    expect(issuesOf(entry(v1), rule('{ name: x }'))).toEqual([]);
  });

  it('of endpoints of which no labels are known is said to be empty once', () => {
    const subsets = ['x', 'y'].map((name) => `{ name: ${name}, labels: { version: ${name} } }`);
    expect(issuesOf(entry('{ address: 10.0.0.1 }'), rule(...subsets))).toEqual([
      expect.stringMatching(/nothing is known of the labels of any endpoint/),
    ]);
  });
});
