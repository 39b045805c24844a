import type { DescMessage } from '@bufbuild/protobuf';

/** What becomes of a field that is set. */
export type FieldSupport =
  /** It is acted on, or checked. */
  | 'supported'
  /** The resource is used, with a warning that says what is lost. */
  | { readonly ignored: string }
  /** The resource is refused, with an error that says why: without the field requests would go elsewhere or ask for other things. */
  | { readonly refused: string }
  /** It is passed over in silence: it has no work to do in a process that is no proxy. */
  | { readonly unneeded: string };

export interface MessageSupport {
  readonly schema: DescMessage;
  /** By proto name. */
  readonly fields: Readonly<Record<string, FieldSupport>>;
}

type Fields = Readonly<Record<string, FieldSupport>>;

export function supported(...names: readonly string[]): Fields {
  return all(names, 'supported');
}

export function ignored(effect: string, ...names: readonly string[]): Fields {
  return all(names, { ignored: effect });
}

export function refused(effect: string, ...names: readonly string[]): Fields {
  return all(names, { refused: effect });
}

export function unneeded(why: string, ...names: readonly string[]): Fields {
  return all(names, { unneeded: why });
}

export function ofMessage(schema: DescMessage, ...groups: readonly Fields[]): MessageSupport {
  return { schema, fields: Object.assign({}, ...groups) };
}

function all(names: readonly string[], support: FieldSupport): Fields {
  return Object.fromEntries(names.map((name) => [name, support]));
}
