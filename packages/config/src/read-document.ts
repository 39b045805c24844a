import { bootstrapObject, isBootstrap } from './envoy/bootstrap-object.js';
import type { Issue } from './issues.js';
import { isLimits, limitsObject } from './limits-object.js';
import { type ConfigObject, type FieldPath, isRecord, type ObjectSource } from './objects.js';

type Body = Readonly<Record<string, unknown>>;

export interface DocumentProblem {
  readonly severity: Issue['severity'];
  readonly path: FieldPath;
  readonly message: string;
  readonly hint?: string;
}

export interface ReadDocument {
  readonly objects: readonly ConfigObject[];
  readonly problems: readonly DocumentProblem[];
}

/** The objects of a document: itself, or the items of a `List`. */
export function readDocument(body: Body, source: ObjectSource): ReadDocument {
  const { apiVersion, kind } = body;
  if (isBootstrap(body)) return { objects: [bootstrapObject(body, source)], problems: [] };
  if (isLimits(body)) return { objects: [limitsObject(body, source)], problems: [] };
  if (!isText(apiVersion) || !isText(kind)) return { objects: [], problems: [describeMissing(body)] };
  if (kind.endsWith('List') && Array.isArray(body.items)) return readList(body.items, source);
  return readObject(body, apiVersion, kind, source);
}

function describeMissing(body: Body): DocumentProblem {
  const missing = isText(body.kind) ? 'apiVersion' : isText(body.apiVersion) ? 'kind' : 'apiVersion and kind';
  return {
    severity: 'error',
    path: [],
    message: `${missing} must be given as text`,
    hint: 'every document is a Kubernetes object, such as apiVersion: networking.istio.io/v1, kind: VirtualService',
  };
}

function readList(items: readonly unknown[], source: ObjectSource): ReadDocument {
  const read = items.map((item, index): ReadDocument => {
    const at = ['items', index];
    if (!isRecord(item)) {
      return { objects: [], problems: [{ severity: 'error', path: at, message: `items[${index}] is not an object` }] };
    }
    const { objects, problems } = readDocument(item, {
      file: source.file,
      locate: (path) => source.locate([...at, ...path]),
    });
    return { objects, problems: problems.map((problem) => ({ ...problem, path: [...at, ...problem.path] })) };
  });
  return { objects: read.flatMap(({ objects }) => objects), problems: read.flatMap(({ problems }) => problems) };
}

function readObject(body: Body, apiVersion: string, kind: string, source: ObjectSource): ReadDocument {
  // It tells kubectl which files belong together, lies among them, and has no name.
  if (apiVersion.startsWith('kustomize.config.k8s.io/')) return { objects: [], problems: [] };
  const metadata = isRecord(body.metadata) ? body.metadata : {};
  const { name, namespace } = metadata;
  if (!isText(name)) {
    const message = `${kind}: metadata.name must be given, as a text`;
    return { objects: [], problems: [{ severity: 'error', path: ['metadata', 'name'], message }] };
  }
  const object = { apiVersion, kind, name, namespace: isText(namespace) ? namespace : '', body, source };
  return { objects: [object], problems: [] };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
