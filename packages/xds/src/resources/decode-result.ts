/** One thing wrong with a resource. `path` is the proto field, e.g. `virtual_hosts[0].domains[1]`; empty for all of it. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** `warnings` name fields that were set and are ignored. */
export type DecodeResult<Value> =
  | { readonly ok: true; readonly value: Value; readonly warnings: readonly FieldError[] }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** What is wrong with one resource of a set or of a response. `name` is empty when it could not be read. */
export interface ResourceError {
  readonly typeUrl: string;
  readonly name: string;
  readonly errors: readonly FieldError[];
}

/** One line, e.g. `Cluster "reviews": connect_timeout: must be more than zero; lb_policy: ...`. */
export function formatResourceError({ typeUrl, name, errors }: ResourceError): string {
  const type = typeUrl.slice(Math.max(typeUrl.lastIndexOf('.'), typeUrl.lastIndexOf('/')) + 1);
  return `${type} "${shortName(name)}": ${formatFieldErrors(errors)}`;
}

/** The fields and what is wrong with each. */
export function formatFieldErrors(errors: readonly FieldError[]): string {
  return errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}

/** A host name has at most 253 characters; a server may send millions. */
function shortName(name: string): string {
  return name.length > 300 ? `${name.slice(0, 300)}…` : name;
}
