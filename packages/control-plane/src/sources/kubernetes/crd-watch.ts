import type { ResourceType } from '../../kubernetes/client/objects.js';
import { Reflector, type ReflectorOptions } from '../../kubernetes/reflector/reflector.js';
import type { ClusterObject } from './cluster-object.js';

export const customResourceDefinitions: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/**
 * Tells at once when a kind comes or goes, for which the other reflectors look every few seconds only. Where it may not look, it
 * is they who find out.
 */
export function watchDefinitions(
  tools: Pick<ReflectorOptions<ClusterObject>, 'client' | 'clock' | 'random' | 'timings'>,
  onChange: () => void,
): Reflector<ClusterObject> {
  return new Reflector<ClusterObject>({
    ...tools,
    type: customResourceDefinitions,
    // Their schemas are megabytes.
    transform: ({ apiVersion, kind, metadata: { name } }) => ({ apiVersion, kind, metadata: { name } }),
    onChange,
  });
}
