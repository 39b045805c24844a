import type { ResourceType } from '../../kubernetes/client/objects.js';
import type { ClusterObject } from './cluster-object.js';
import type { NamedObject } from './named-objects.js';
import { isRecord } from './records.js';

export const configMaps: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

/** The ConfigMaps that BackendTLSPolicies name, each in the namespace of its policy. */
export function referencedConfigMaps(policies: Iterable<ClusterObject>): ReadonlyMap<string, NamedObject> {
  const wanted = new Map<string, NamedObject>();
  for (const { spec, metadata } of policies) {
    const { namespace = '' } = metadata;
    for (const name of namesIn(spec)) wanted.set(`${namespace}/${name}`, { name, namespaces: [namespace] });
  }
  return wanted;
}

function namesIn(spec: unknown): string[] {
  const validation = isRecord(spec) ? spec.validation : undefined;
  const refs = isRecord(validation) ? validation.caCertificateRefs : undefined;
  if (!Array.isArray(refs)) return [];
  return refs.filter(isRecord).flatMap(({ kind, name }) => {
    return kind === 'ConfigMap' && typeof name === 'string' && name !== '' ? [name] : [];
  });
}
