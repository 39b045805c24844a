import type { KubernetesObject } from './objects.js';
import { KubernetesError } from './problem.js';

export interface ListPage<T extends KubernetesObject> {
  /** A list of none has none, or null. */
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/**
 * A proxy or an aggregated API may answer a list with anything, and what was known must not be taken for gone then.
 * @throws KubernetesError for what is no list of named objects
 */
export function readPage<T extends KubernetesObject>(answer: unknown, path: string): ListPage<T> {
  const { kind, items } = (answer ?? {}) as { readonly kind?: unknown; readonly items?: unknown };
  if (typeof kind !== 'string' || !kind.endsWith('List')) throw broken(path, 'is answered with what is no list');
  if (items === undefined || items === null) return answer as ListPage<T>;
  if (!Array.isArray(items)) throw broken(path, 'is answered with a list without items');
  if (!items.every(isNamed)) throw broken(path, 'is answered with an object without a name');
  return answer as ListPage<T>;
}

function isNamed(item: unknown): boolean {
  return typeof (item as KubernetesObject | null)?.metadata?.name === 'string';
}

function broken(path: string, what: string): KubernetesError {
  return new KubernetesError({ kind: 'failed', code: 200, reason: undefined, message: `GET ${path} ${what}` });
}
