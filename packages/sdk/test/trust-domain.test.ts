import { expect, it } from 'vitest';
import { type MeshOptions, resolveOptions } from '../src/options.js';

function resolve(options: MeshOptions, variables: Record<string, string> = {}) {
  const { trustDomain, rootNamespace } = resolveOptions(options, { variables, readFile: () => undefined });
  return [trustDomain, rootNamespace];
}

const variables = { INMESH_TRUST_DOMAIN: 'b.org', INMESH_ROOT_NAMESPACE: 'b' };

it('The trust domain and the root namespace are those of the options, else of the environment', () => {
  expect(resolve({ trustDomain: 'a.org', rootNamespace: 'a' }, variables)).toEqual(['a.org', 'a']);
  expect(resolve({}, variables)).toEqual(['b.org', 'b']);
  expect(resolve({})).toEqual([undefined, undefined]);
});

it.each(['A.org', 'a.org/ns', 'spiffe://a.org'])('%s is refused as a trust domain', (trustDomain) => {
  const problem = `trustDomain: "${trustDomain}" is not a trust domain such as example.org`;
  expect(() => resolve({ trustDomain })).toThrow(problem);
  expect(() => resolve({}, { INMESH_TRUST_DOMAIN: trustDomain })).toThrow(problem);
});
