export type FieldStep = string | number;
export type FieldPath = readonly FieldStep[];

/** Both from 1; both 0 for what is no text. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Of an object that was never written as text. */
export const nowhere: Position = { line: 0, column: 0 };

/** Where an object was written. */
export interface ObjectSource {
  readonly file: string;
  /** Of a field, or of the nearest field above it that is written. */
  locate(path: FieldPath): Position;
}

/** A Kubernetes object as it was written; nothing but the fields listed here has been looked at. */
export interface ConfigObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Empty when not written. */
  readonly namespace: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly source: ObjectSource;
}

/** The group of an `apiVersion`: empty for `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** `VirtualService default/reviews`. */
export function labelOf({ kind, namespace, name }: Pick<ConfigObject, 'kind' | 'namespace' | 'name'>): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** `spec.http[0].match[0].headers["x.y"]`. */
export function formatPath(path: FieldPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
