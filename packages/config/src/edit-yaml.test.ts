import { describe, expect, it } from 'vitest';
import { editYamlNumbers } from './edit-yaml.js';

const routes = `# who goes where
kind: Other
---
spec:
  http:   # rules
  - route:
    - destination: {host: reviews, subset: v1}   # stable
      weight:   90 # percent
    - { destination: { host: reviews, subset: v2 }, weight: 10 }
    - destination:
        host: "reviews"
`;
const weight = (at: number) => ['spec', 'http', 0, 'route', at, 'weight'];

describe('numbers of a YAML file', () => {
  it('are changed, and nothing else', () => {
    const edited = editYamlNumbers(routes, 1, [
      { path: weight(0), value: 75 },
      { path: weight(1), value: 25 },
    ]);
    expect(edited).toBe(routes.replace('90 #', '75 #').replace('weight: 10', 'weight: 25'));
  });

  it('are added where there is none, and taken away to the letter', () => {
    const flow = 'spec: { http: [{ route: [{ name: a }] }] } # all\n';
    for (const [text, index, at] of [
      [routes, 1, 2],
      [flow, 0, 0],
    ] as const) {
      const added = editYamlNumbers(text, index, [{ path: weight(at), value: 7 }]);
      expect(added).toContain('weight: 7');
      expect(editYamlNumbers(added, index, [{ path: weight(at), value: undefined }])).toBe(text);
    }
    expect(editYamlNumbers(routes, 1, [{ path: weight(2), value: 7 }])).toContain(
      '    - weight: 7\n      destination:\n        host: "reviews"\n',
    );
  });

  it('of an alias are not, because others would change with them', () => {
    const shared = 'spec:\n  http:\n  - route:\n    - &a {name: x, weight: 1}\n    - *a\n';
    expect(() => editYamlNumbers(shared, 0, [{ path: weight(1), value: 2 }])).toThrow(
      'spec.http[0].route[1].weight cannot be changed in place',
    );
    expect(() => editYamlNumbers(shared, 0, [{ path: weight(0), value: 2 }])).toThrow('spec.http[0].route[0].weight');
  });

  it('keep line ends', () => {
    const crlf = routes.replaceAll('\n', '\r\n');
    expect(editYamlNumbers(crlf, 1, [{ path: weight(0), value: 1 }])).toBe(crlf.replace('90 #', '1 #'));
  });
});
