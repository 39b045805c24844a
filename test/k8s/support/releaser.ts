import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, ApiError } from './api-client.js';
import type { ApiServer } from './api-server.js';
import { serviceAccountToken } from './cluster-objects.js';
import { findObject, k8sFolder, objectsOf } from './manifests.js';
import { serviceAccount } from './objects.js';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

/** What `k8s/components/canary` has. */
export const canaryRoles = objectsOf(readFileSync(join(k8sFolder, 'components/canary/rbac.yaml'), 'utf8'));

/** A token of somebody who may run canaries in a namespace, by `k8s/components/canary`, and nothing else. */
export async function releaserToken({ api }: ApiServer, namespace: string): Promise<string> {
  const [name, subject] = ['releaser', { kind: 'ServiceAccount', name: 'releaser', namespace }];
  await api.apply(serviceAccount(namespace, name));
  for (const role of canaryRoles) await api.apply(role);
  const role = findObject(canaryRoles, 'ClusterRole', 'inmesh-canary');
  const reports = findObject(canaryRoles, 'Role', 'inmesh-load-reports');
  for (const [where, { kind, metadata }] of [
    [namespace, role],
    [reports.metadata.namespace!, reports],
  ] as const) {
    const roleRef = { apiGroup, kind, name: metadata.name };
    const bound = { name: metadata.name, namespace: where };
    await api.apply({ apiVersion, kind: 'RoleBinding', metadata: bound, subjects: [subject], roleRef });
  }
  return await serviceAccountToken(api, namespace, name, { seconds: 7200 });
}

interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
}

/** All that the bearer of a token may do to objects of a namespace, but for asking who he is; `get,patch pods.` @throws {ApiError} */
export async function rightsIn(api: ApiClient, namespace: string, token: string): Promise<string[]> {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const answer = await api.request<{ status: { resourceRules: ResourceRule[] } }>('POST', path, review, { token });
  if (answer.status !== 201) throw new ApiError(answer.status, `POST ${path}`, answer.body);
  return answer.body.status.resourceRules
    .filter(({ resources }) => resources.every((one) => !one.startsWith('selfsubject')))
    .map(({ verbs, apiGroups, resources }) => `${verbs} ${resources}.${apiGroups}`)
    .sort();
}
