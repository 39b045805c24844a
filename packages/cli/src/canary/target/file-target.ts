import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { editYamlNumbers, isRecord, readYamlDocuments } from '@inmesh/config';
import { type CanaryRecord, formatRecord, parseRecord } from '../record.js';
import { anyKind, kindOf } from '../routes/kinds.js';
import { type Fields, fieldsOf, type RoutedKind, textOf } from '../routes/routed-object.js';
import { labelsOfSubset } from './destination-rules.js';
import { type Loaded, Passing, type Target } from './target.js';
import type { TargetName } from './target-name.js';
import { checkWritable, replaceFile } from './write-file.js';

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
  const { object, kind } = find(readYamlDocuments(readFileSync(path, 'utf8')), options);
  const written = textOf(fieldsOf(object.metadata).namespace);
  const [name, namespace] = [options.name.name, written ?? options.namespace ?? 'default'];
  const scope = written === undefined ? '' : `${written}.`;
  const recordName = `.${basename(path)}.${scope}${kind.kind.toLowerCase()}.${name}.canary`;
  const recordPath = join(dirname(path), recordName);

  const load = (): FileState => {
    const now = readNow(path, { ...options, name: { kind, name }, namespace: written });
    const record = readIfThere(recordPath);
    const token = JSON.stringify([now.text, record]);
    return {
      ...now,
      record: record === undefined ? undefined : parseRecord(record, recordPath),
      token,
      written: record,
    };
  };

  return {
    description: `${kind.kind} ${namespace}/${name} of ${options.path}`,
    name,
    recordPlace: recordPath,
    commands: {
      canary: `inmesh canary ${kind.aliases[0]}/${name} --file ${options.path}`,
      forget: `rm ${recordPath}`,
    },
    kind,
    context: { namespace, clusterDomain: options.clusterDomain },
    load: async () => load(),
    async save(loaded, edits, record) {
      const now = load();
      if (now.token !== loaded.token) return 'stale';
      const text = editYamlNumbers(now.text, now.index, edits);
      if (text !== now.text) checkWritable(path);
      // The record comes first and goes last: weights without one would be nobody's to take back.
      if (record !== undefined && !putRecord(recordPath, now.written, record)) return 'stale';
      try {
        if (text !== now.text) replaceFile(path, text);
      } catch (error) {
        if (record !== undefined) putBack(recordPath, now.written);
        throw error;
      }
      if (record === undefined) rmSync(recordPath, { force: true });
      return 'saved';
    },
    async rehearse(_loaded, edits) {
      const { text, index } = load();
      checkWritable(path);
      editYamlNumbers(text, index, edits);
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

/** Editors save in several steps: what is gone or half there now may be whole at the next look. @throws Passing */
function readNow(path: string, options: FileTargetOptions) {
  try {
    const text = readFileSync(path, 'utf8');
    const isSame = (one: unknown) => textOf(fieldsOf(fieldsOf(one).metadata).namespace) === options.namespace;
    const documents = readYamlDocuments(text).map((one) => (isSame(one) ? one : undefined));
    return { text, ...find(documents, options) };
  } catch (error) {
    throw new Passing(`${options.path} cannot be read: ${(error as Error).message}`);
  }
}

interface FileState extends Loaded {
  readonly text: string;
  readonly index: number;
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
    replaceFile(path, text);
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

function putBack(path: string, before: string | undefined): void {
  if (before === undefined) rmSync(path, { force: true });
  else replaceFile(path, before);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
