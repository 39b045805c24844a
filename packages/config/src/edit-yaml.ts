import { type Document, isMap, isNode, isScalar, type Pair, parseAllDocuments, type YAMLMap } from 'yaml';
import { type FieldPath, formatPath, isRecord } from './objects.js';

/** A whole number of a mapping that is set, or taken away again. */
export interface NumberEdit {
  /** To the number; its last step is a key. */
  readonly path: FieldPath;
  /** Undefined: the key goes. */
  readonly value: number | undefined;
}

const options = {
  merge: true,
  uniqueKeys: false,
  logLevel: 'error',
  prettyErrors: false,
  keepSourceTokens: true,
} as const;

/**
 * Changes numbers of one document of a file and not another character of it: comments, quotes and layout stay.
 * @param index of the document in the file, from 0
 * @throws Error that names the field, where its text cannot be changed by itself, as that of an alias
 */
export function editYamlNumbers(text: string, index: number, edits: readonly NumberEdit[]): string {
  return edits.reduce((edited, edit) => applyEdit(edited, index, edit), text);
}

/** Their contents, in order. @throws Error for what is no YAML */
export function readYamlDocuments(text: string): unknown[] {
  return contentsOf(parse(text));
}

function applyEdit(text: string, index: number, edit: NumberEdit): string {
  const documents = parse(text);
  const document = documents[index];
  const key = edit.path.at(-1);
  const parent = document?.getIn(edit.path.slice(0, -1), true);
  if (document === undefined || !isMap(parent) || typeof key !== 'string') throw cannotEdit(edit);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const splice = spliceOf(parent, key, edit.value, newline);
  if (splice === undefined) throw cannotEdit(edit);
  const edited = `${text.slice(0, splice.from)}${splice.text}${text.slice(splice.to)}`;
  // Whatever anchors, merges or odd layouts there are: it was the one number, or nothing is changed.
  const [found, expected] = [contentsOf(parse(edited)), expectedContents(documents, index, edit)];
  if (sortedText(found) !== sortedText(expected)) throw cannotEdit(edit);
  return edited;
}

/** Without the identity of what aliases share. */
function contentsOf(documents: readonly Document.Parsed[]): unknown[] {
  return documents.map((document) => JSON.parse(JSON.stringify(document.toJS() ?? null)));
}

function expectedContents(
  documents: readonly Document.Parsed[],
  index: number,
  { path, value }: NumberEdit,
): unknown[] {
  const contents = contentsOf(documents);
  let parent = contents[index] as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>;
  const key = path.at(-1)!;
  if (value === undefined) delete parent[key];
  else parent[key] = value;
  return contents;
}

function parse(text: string): Document.Parsed[] {
  const documents = parseAllDocuments(text, options);
  if (!Array.isArray(documents)) return [];
  const error = documents.flatMap((document) => document.errors).at(0);
  if (error !== undefined) throw new Error(error.message);
  return documents;
}

/** Equal for equal contents, whatever the order of keys. */
function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Undefined: the text has no place of its own for it. */
function spliceOf(map: YAMLMap, key: string, value: number | undefined, newline: string): Splice | undefined {
  const at = map.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
  if (at < 0) return value === undefined ? { from: 0, to: 0, text: '' } : insertion(map, key, value, newline);
  const pair = map.items[at]!;
  if (value === undefined) return removal(map, at);
  const range = isScalar(pair.value) ? pair.value.range : undefined;
  return range ? { from: range[0], to: range[1], text: String(value) } : undefined;
}

/** Before the first key, which always has a place, whatever follows the last one. */
function insertion(map: YAMLMap, key: string, value: number, newline: string): Splice | undefined {
  const start = startOf(map.items[0]);
  if (start === undefined || map.range == null) return undefined;
  if (map.flow) return { from: start, to: start, text: `${key}: ${value}, ` };
  const column = columnOf(map);
  return column === undefined
    ? undefined
    : { from: start, to: start, text: `${key}: ${value}${newline}${' '.repeat(column)}` };
}

function removal(map: YAMLMap, at: number): Splice | undefined {
  const [from, to] = [startOf(map.items[at]), startOf(map.items[at + 1])];
  return from === undefined || to === undefined ? undefined : { from, to, text: '' };
}

function startOf(pair: Pair | undefined): number | undefined {
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}

/** How far a block mapping is indented. */
function columnOf({ srcToken }: YAMLMap): number | undefined {
  return srcToken?.type === 'block-map' ? srcToken.indent : undefined;
}

function cannotEdit({ path }: NumberEdit): Error {
  return new Error(`${formatPath(path)} cannot be changed in place: write it as a plain number of its own`);
}
