/** The part of `metadata` that this package reads (ObjectMeta of meta/v1). */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly managedFields?: unknown;
}

/** Any object of the API. What is in it beside `metadata` is for whoever knows its kind. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** A kind of objects, as the API server's paths name it. */
export interface ResourceType {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower case, as in paths and RBAC rules: `virtualservices`. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Which one. `namespace` is for namespaced kinds alone. */
export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export function apiVersionOf({ group, version }: ResourceType): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `/api/v1` or `/apis/GROUP/VERSION` */
export function groupPath({ group, version }: ResourceType): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** Of all namespaces where none is named. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const within = type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupPath(type)}${within}/${type.plural}`;
}

export function objectPath(type: ResourceType, { namespace, name }: ObjectName, subresource?: string): string {
  const path = `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `virtualservices.networking.istio.io`, as kubectl names it. */
export function resourceName({ plural, group }: ResourceType): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** The key of an object in a store: `NAMESPACE/NAME`, or `NAME` where it has no namespace. */
export function keyOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
