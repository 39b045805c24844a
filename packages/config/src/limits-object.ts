import type { ConfigObject, ObjectSource } from './objects.js';

type Body = Readonly<Record<string, unknown>>;

const apiVersion = 'inmesh.limits';

/** Whether a document is a list of rate limits, which names neither a kind nor itself. */
export function isLimits(body: Body): boolean {
  return body.kind === undefined && Object.hasOwn(body, 'limits');
}

/** The document as an object, so that it is kept, counted and spoken of like all others. Its name is its place. */
export function limitsObject(body: Body, source: ObjectSource): ConfigObject {
  const name = `${source.file}:${source.locate([]).line}`;
  return { apiVersion, kind: 'limits', name, namespace: '', body, source };
}

export function isLimitsObject(object: ConfigObject): boolean {
  return object.apiVersion === apiVersion;
}
