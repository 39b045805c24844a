import { type ApiClient, ApiError } from './api-client.js';
import { namespace, type PodOptions, pod, runningPod, serviceAccount } from './objects.js';

/** A namespace with the ServiceAccount `default`, which a controller makes in a cluster. */
export async function makeNamespace(
  api: ApiClient,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await api.apply(namespace(name, labels));
  await api.apply(serviceAccount(name, 'default'));
}

/**
 * Removes a namespace that has no objects left: there is no controller to remove those, nor to say that it is done.
 * @throws {ApiError}
 */
export async function removeNamespace(api: ApiClient, name: string): Promise<void> {
  const gone = namespace(name);
  await api.remove(gone);
  const path = `/api/v1/namespaces/${name}/finalize`;
  const { status, body } = await api.request('PUT', path, { ...gone, spec: { finalizers: [] } });
  if (status !== 200 && status !== 404) throw new ApiError(status, `PUT ${path}`, body);
}

/** A pod with an address, as it is once a kubelet has started it. */
export async function startPod(
  api: ApiClient,
  namespace: string,
  name: string,
  { ip, ready, ...options }: PodOptions & { readonly ip: string; readonly ready?: boolean },
): Promise<void> {
  await api.apply(pod(namespace, name, options));
  await api.applyStatus(runningPod(namespace, name, { ip, ready }));
}

export interface TokenOptions {
  /** Default: the API server's own, so that it is a token to call it with. */
  readonly audiences?: readonly string[];
  /** At least 600, which is the default. */
  readonly seconds?: number;
  /** The pod that it is bound to. Default: none. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** A token of a ServiceAccount, as a kubelet gets it for a pod. @throws {ApiError} */
export async function serviceAccountToken(
  api: ApiClient,
  namespace: string,
  name: string,
  { audiences = [], seconds = 600, pod }: TokenOptions = {},
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const boundObjectRef = pod && { apiVersion: 'v1', kind: 'Pod', ...pod };
  const spec = { audiences, expirationSeconds: seconds, boundObjectRef };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const { status, body } = await api.request<{ status: { token: string } }>('POST', path, request);
  if (status !== 201) throw new ApiError(status, `POST ${path}`, body);
  return body.status.token;
}
