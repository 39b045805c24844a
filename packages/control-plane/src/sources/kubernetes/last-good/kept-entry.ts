import { gunzipSync, gzipSync } from 'node:zlib';
import type { SourceFile } from '@inmesh/config';
import { fileOf } from '../cluster-files.js';
import type { ClusterObject } from '../cluster-object.js';
import { isRecord } from '../records.js';
import { type WatchedKind, watchedKinds } from '../watched-kinds.js';

/** The last good content of an object that is broken. */
export interface KeptEntry {
  /** Of the object; one of the same name is another. */
  readonly uid: string;
  /** `text` of the broken content that it was kept for. */
  readonly brokenText: string;
  readonly file: SourceFile;
  /** As it is stored. */
  readonly packed: string;
}

/** No object of etcd is larger. */
const longestObject = 2 * 1024 * 1024;

/** @param file what was right of it */
export function packEntry(uid: string, brokenText: string, file: SourceFile): KeptEntry {
  const text = JSON.stringify({ brokenText, object: file.object });
  return { uid, brokenText, file, packed: gzipSync(text).toString('base64') };
}

/** Undefined when it is none of ours: whoever may edit a ConfigMap may write anything into it. */
export function unpackEntry(uid: string, packed: string): KeptEntry | undefined {
  const content = contentOf(packed);
  if (!isRecord(content) || typeof content.brokenText !== 'string' || !isRecord(content.object)) return undefined;
  const { brokenText, object } = content;
  const kept = hasMetadata(object) ? keptKindOf(object)?.keep(object) : undefined;
  if (kept === undefined || kept.metadata.uid !== uid) return undefined;
  return { uid, brokenText, file: fileOf(kept), packed };
}

/** Of an object that people write for the mesh; others the API server has checked, and Secrets have no place here. */
export function uidOfKept({ object }: SourceFile): string | undefined {
  return object !== undefined && hasMetadata(object) && keptKindOf(object) ? object.metadata.uid : undefined;
}

function keptKindOf({ apiVersion = '', kind }: ClusterObject): WatchedKind | undefined {
  return watchedKinds.find(({ type, isOfMesh }) => {
    return isOfMesh && type.kind === kind && apiVersion.startsWith(`${type.group}/`);
  });
}

function hasMetadata(object: Readonly<Record<string, unknown>>): object is ClusterObject {
  const { apiVersion, metadata } = object;
  if (typeof apiVersion !== 'string' || !isRecord(metadata)) return false;
  const { name, namespace, uid, annotations = {} } = metadata;
  const hasNotes = isRecord(annotations) && Object.values(annotations).every((note) => typeof note === 'string');
  return hasNotes && [name, namespace, uid].every((part) => typeof part === 'string' && part !== '');
}

function contentOf(packed: string): unknown {
  try {
    const bytes = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: longestObject });
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
