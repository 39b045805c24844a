import { randomBytes } from 'node:crypto';
import { readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { editYamlNumbers, isRecord, readYamlDocuments } from '@inmesh/config';
import { type CanaryRecord, formatRecord, parseRecord } from '../record.js';
import { anyKind, kindOf } from '../routes/kinds.js';
import { type Fields, fieldsOf, type RoutedKind, textOf } from '../routes/routed-object.js';
import { labelsOfSubset } from './destination-rules.js';
import type { Loaded, Target } from './target.js';
import type { TargetName } from './target-name.js';

export interface FileTargetOptions {
  readonly path: string;
  readonly name: TargetName;
  /** Of the object; default: whichever it has. */
  readonly namespace: string | undefined;
  readonly clusterDomain: string;
}

/** @throws Error when the file has no such object, or several */
export function openFileTarget(options: FileTargetOptions): Target {
  // The file itself is replaced, and not a link to it.
  const path = realpathSync(options.path);
  const { object, index, kind } = find(readYamlDocuments(readFileSync(path, 'utf8')), options);
  const metadata = fieldsOf(object.metadata);
  const [name, namespace] = [String(metadata.name), textOf(metadata.namespace) ?? options.namespace ?? 'default'];
  const recordPath = join(dirname(path), `.${basename(path)}.${kind.kind.toLowerCase()}.${name}.canary`);

  const load = (): FileState => {
    const text = readFileSync(path, 'utf8');
    const contents = readYamlDocuments(text)[index];
    if (!isRecord(contents) || fieldsOf(contents.metadata).name !== name || contents.kind !== kind.kind) {
      throw new Error(`${options.path}: ${kind.kind} ${name} is no longer where it was`);
    }
    const written = readIfThere(recordPath);
    const record = written === undefined ? undefined : parseRecord(written, recordPath);
    return { object: contents, record, token: JSON.stringify([text, written]), text, written };
  };

  return {
    description: `${kind.kind} ${namespace}/${name} of ${options.path}`,
    name,
    recordPlace: recordPath,
    kind,
    context: { namespace, clusterDomain: options.clusterDomain },
    load: async () => load(),
    async save(loaded, edits, record) {
      const now = load();
      if (now.token !== loaded.token) return 'stale';
      const text = edits.length === 0 ? now.text : editYamlNumbers(now.text, index, edits);
      // The record comes first and goes last: weights without one would be nobody's to take back.
      if (record !== undefined && !putRecord(recordPath, now.written, record)) return 'stale';
      if (text !== now.text) replace(path, text, statSync(path).mode);
      if (record === undefined) rmSync(recordPath, { force: true });
      return 'saved';
    },
    blame: () => undefined,
    owner: () => undefined,
    async subsetLabels(destination) {
      const rules = readYamlDocuments(readFileSync(path, 'utf8')).filter(isRecord);
      // It may well be in another file.
      return (
        labelsOfSubset(
          rules.filter((one) => one.kind === 'DestinationRule'),
          destination,
        ) ?? {}
      );
    },
    close: async () => {},
  };
}

interface FileState extends Loaded {
  readonly text: string;
  /** The record as it is written. */
  readonly written: string | undefined;
}

interface Found {
  readonly object: Fields;
  readonly index: number;
  readonly kind: RoutedKind;
}

function find(documents: readonly unknown[], { path, name, namespace }: FileTargetOptions): Found {
  const found = documents.flatMap((object, index): Found[] => {
    if (!isRecord(object)) return [];
    const kind = kindOf(object);
    const metadata = fieldsOf(object.metadata);
    const isNamed = metadata.name === name.name && (name.kind === undefined || name.kind === kind);
    const isThere = namespace === undefined || (textOf(metadata.namespace) ?? namespace) === namespace;
    return kind !== undefined && isNamed && isThere ? [{ object, index, kind }] : [];
  });
  if (found.length > 1) {
    const names = found.map(
      ({ kind, object }) => `${kind.kind} ${fieldsOf(object.metadata).namespace ?? ''}/${name.name}`,
    );
    throw new Error(`${path} has several of this name: ${names.join(', ')}: say KIND/${name.name}, or --namespace`);
  }
  const [only] = found;
  if (only === undefined) throw new Error(`${path} has no ${name.kind?.kind ?? anyKind} ${name.name}`);
  return only;
}

/** False: somebody was quicker. */
function putRecord(path: string, before: string | undefined, record: CanaryRecord): boolean {
  const text = formatRecord(record);
  if (before !== undefined) {
    replace(path, text, 0o644);
    return true;
  }
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** In one go: whoever reads has the old or the new. */
function replace(path: string, text: string, mode: number): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  writeFileSync(temporary, text, { mode });
  renameSync(temporary, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
