import type { ConfigObject, ObjectSource } from '../objects.js';

type Body = Readonly<Record<string, unknown>>;

const apiVersion = 'envoy.config.bootstrap.v3';

/** Whether a document is Envoy's configuration file, which names neither a kind nor itself. */
export function isBootstrap(body: Body): boolean {
  return body.kind === undefined && (body.static_resources !== undefined || body.dynamic_resources !== undefined);
}

/** The document as an object, so that it is kept, counted and spoken of like all others. Its name is its place. */
export function bootstrapObject(body: Body, source: ObjectSource): ConfigObject {
  const name = `${source.file}:${source.locate([]).line}`;
  return { apiVersion, kind: 'Bootstrap', name, namespace: '', body, source };
}

export function isBootstrapObject(object: ConfigObject): boolean {
  return object.apiVersion === apiVersion;
}
