import { kubernetesRules } from '@inmesh/control-plane';
import type { ApiClient } from './api-client.js';

const apiVersion = 'rbac.authorization.k8s.io/v1';

/** Gives a ServiceAccount what a config server needs, and no more; of Secrets, nothing unless told otherwise. */
export async function bindRules(
  api: ApiClient,
  namespace: string,
  name: string,
  { secrets = false } = {},
): Promise<void> {
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const rules = [...kubernetesRules.cluster, ...(secrets ? kubernetesRules.secrets : [])];
  const apiGroup = 'rbac.authorization.k8s.io';
  await api.apply({ apiVersion, kind: 'ClusterRole', metadata: { name }, rules });
  const ofCluster = { apiGroup, kind: 'ClusterRole', name };
  await api.apply({ apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, subjects, roleRef: ofCluster });
  await api.apply({ apiVersion, kind: 'Role', metadata: { name, namespace }, rules: kubernetesRules.own });
  const own = { apiGroup, kind: 'Role', name };
  await api.apply({ apiVersion, kind: 'RoleBinding', metadata: { name, namespace }, subjects, roleRef: own });
}
