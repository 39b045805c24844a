import { describe, expect, it } from 'vitest';
import { formatIssue } from './issues.js';
import { loadYaml } from './load-yaml.js';

function read(...texts: string[]) {
  const { objects, issues } = loadYaml(texts.map((text, index) => ({ path: `${'ab'[index]}.yaml`, text })));
  return {
    objects: objects.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
    issues: issues.map(formatIssue),
  };
}

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

describe('Reading YAML', () => {
  it('finds the objects of several documents, and passes over empty ones', () => {
    expect(read(`---\n# nothing\n---\n${configMap('a')}---\n${configMap('b')}---\n`)).toEqual({
      objects: ['ConfigMap /a', 'ConfigMap /b'],
      issues: [],
    });
  });

  it('takes the items of a list for objects, with their own places', () => {
    const { objects } = loadYaml([
      { path: 'a.yaml', text: `apiVersion: v1\nkind: List\nitems:\n  - ${configMap('a').replaceAll('\n', '\n    ')}` },
    ]);
    expect(objects[0]?.name).toBe('a');
    expect(objects[0]?.source.locate(['metadata', 'name'])).toEqual({ line: 6, column: 17 });
  });

  it('resolves aliases and merges as Kubernetes does', () => {
    const text = `apiVersion: v1\nkind: Pod\nmetadata: &m { name: a, labels: &l { x: "1" } }\nspec: { <<: *m, l: *l }\n`;
    const { objects } = loadYaml([{ path: 'a.yaml', text }]);
    expect(objects[0]?.body).toMatchObject({ spec: { name: 'a', l: { x: '1' } } });
  });

  it('says where the text is no YAML, and reads the other documents', () => {
    expect(read(`${configMap('a')}---\nkind: [v1\nmetadata: {}\n`)).toEqual({
      objects: ['ConfigMap /a'],
      issues: [expect.stringMatching(/^a\.yaml:[67]:\d+: error: /)],
    });
  });

  it.each([
    ['tabs', 'a:\n\tb: 1\n', /^a\.yaml:2:1: error: Tabs are not allowed/],
    [
      'a key that is there twice',
      `${configMap('a')}kind: Secret\n`,
      /^a\.yaml:4:1: error: the key "kind" is there twice/,
    ],
    ['a template', 'apiVersion: v1\nkind: {{ .Values.kind }}\n', /^a\.yaml:2:7: error: .*helm/],
    ['a text', 'hello', /^a\.yaml:1:1: error: a document must be a mapping/],
    ['no kind', '# x\nname: y\n', /^a\.yaml:2:1: error: apiVersion and kind must be given/],
    ['no name', 'apiVersion: v1\nkind: Pod\nmetadata: {}\n', /^a\.yaml:3:1: error: Pod: metadata\.name must be given/],
    ['an item that is no object', 'apiVersion: v1\nkind: List\nitems: [1]\n', /^a\.yaml:3:9: error: items\[0\]/],
  ])('refuses %s with its place', (_, text, expected) => {
    const { issues } = read(text);
    expect(issues).toEqual([expect.stringMatching(expected)]);
  });

  it("takes Envoy's own configuration and rate limits, which name no kind, for objects named after their place", () => {
    expect(read('static_resources: {}', '# x\nlimits: []')).toEqual({
      objects: ['Bootstrap /a.yaml:1', 'limits /b.yaml:2'],
      issues: [],
    });
  });

  it('refuses the second of two equally named objects, and names both places', () => {
    const named = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: default\n';
    expect(read(named, configMap('a'))).toEqual({
      objects: ['ConfigMap default/a'],
      issues: [
        'b.yaml:3:13: error: ConfigMap default/a: metadata.name: there is already a ConfigMap default/a (a.yaml:4)',
      ],
    });
    expect(read(named, named.replace('namespace: default', 'namespace: other')).issues).toEqual([]);
  });

  it('takes versions of one API for the same object', () => {
    const versions = ['v1', 'v1beta1'].map(
      (version) => `apiVersion: networking.istio.io/${version}\nkind: Sidecar\nmetadata: { name: a }\n`,
    );
    expect(read(...versions).issues).toHaveLength(1);
  });

  it('parses a file that did not change only once', () => {
    const file = { path: 'a.yaml', text: configMap('a') };
    expect(loadYaml([file]).objects[0]).toBe(loadYaml([file]).objects[0]);
  });
});

describe('Hostile YAML', () => {
  it('is refused when it is larger than 4 MiB', () => {
    expect(read(`# ${'x'.repeat(4 * 1024 * 1024)}`).issues).toEqual([
      'a.yaml:1:1: error: is larger than 4194304 bytes (4 MiB) (split the file)',
    ]);
  });

  it('of kustomize is passed over', () => {
    const text = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n';
    expect(read(text)).toEqual({ objects: [], issues: [] });
  });

  it('is refused when its aliases multiply', () => {
    const levels = ['a: &a [1,1,1,1,1,1,1,1,1]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de']) {
      levels.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(',')}]`);
    }
    expect(read(levels.join('\n')).issues).toEqual([
      expect.stringMatching(/^a\.yaml:1:1: error: Excessive alias count/),
    ]);
  });

  it.each([
    ['Envoy’s', 'static_resources: &a\n  listeners: [*a]'],
    ['a mapping', 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nstatus: &s\n  x: { y: *s }'],
  ])('is refused when an alias of %s stands within what it is an alias of', (_, text) => {
    expect(read(text)).toEqual({
      objects: [],
      issues: [
        expect.stringMatching(/^a\.yaml:[25]:\d+: error: "\*[as]" stands within "&[as]": it would have no end$/),
      ],
    });
  });

  it.each([
    ['lists', '['.repeat(100_000)],
    ['mappings', '{a: '.repeat(50_000)],
    ['dashes', '- '.repeat(100_000)],
  ])('is refused when %s are nested too deeply', (_, text) => {
    expect(read(text).issues).toEqual([expect.stringMatching(/error: is nested too deeply$/)]);
  });

  it('is read in time when a mapping has 50,000 keys', () => {
    const data = Array.from({ length: 50_000 }, (_, index) => `  k${index}: v`).join('\n');
    const start = performance.now();
    expect(read(`${configMap('a')}data:\n${data}\n`).objects).toEqual(['ConfigMap /a']);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
