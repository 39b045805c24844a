import { expect, it } from 'vitest';
import type { ResourceType } from '../../kubernetes/client/objects.js';
import { AnyVersion } from './any-version.js';

const type: ResourceType = {
  group: 'networking.istio.io',
  version: 'v1',
  plural: 'sidecars',
  kind: 'Sidecar',
  namespaced: true,
};

it('a kind is read in the first version that there is, also when that changes', async () => {
  let served: readonly string[] = [];
  const listed: string[] = [];
  const reader = new AnyVersion(
    {
      serves: async ({ version }) => served.includes(version),
      list: async ({ version }) => {
        listed.push(version);
        return { items: [], resourceVersion: '1' };
      },
      watch: async () => (async function* () {})(),
    },
    ['v1', 'v1beta1', 'v1alpha3'],
  );
  const look = async (...versions: string[]) => {
    served = versions;
    const found = await reader.serves(type);
    await reader.list(type);
    return [found, listed.at(-1)];
  };
  expect(await look()).toEqual([false, 'v1']);
  expect(await look('v1alpha3', 'v1beta1')).toEqual([true, 'v1beta1']);
  expect(await look()).toEqual([false, 'v1beta1']);
  expect(await look('v1beta1', 'v1')).toEqual([true, 'v1']);
});
