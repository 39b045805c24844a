import { createHash } from 'node:crypto';
import type { SourceFile } from '@inmesh/config';
import type { Batch } from '../../kubernetes/reflector/object-store.js';
import type { ClusterObject } from './cluster-object.js';

/**
 * Each object as a file of its own, the same one for as long as nothing has changed that means something: what is made of it
 * is remembered by the file.
 */
export class ClusterFiles {
  readonly #files = new Map<string, SourceFile>();
  readonly #objects = new Map<string, ClusterObject>();

  /** Whether there is something to translate anew. */
  apply({ changed, removed }: Batch<ClusterObject>): boolean {
    const isDifferent = changed.map((object) => this.#set(object));
    const isLess = removed.map((object) => this.#remove(pathOf(object)));
    return isDifferent.includes(true) || isLess.includes(true);
  }

  /** In no particular order. */
  list(): readonly SourceFile[] {
    return [...this.#files.values()];
  }

  /** With its newest status. */
  objectAt(path: string): ClusterObject | undefined {
    return this.#objects.get(path);
  }

  #remove(path: string): boolean {
    this.#objects.delete(path);
    return this.#files.delete(path);
  }

  #set(written: ClusterObject): boolean {
    const path = pathOf(written);
    this.#objects.set(path, written);
    const file = fileOf(written);
    if (this.#files.get(path)?.text === file.text) return false;
    this.#files.set(path, file);
    return true;
  }
}

/** Equal for objects that mean the same. */
export function fileOf(written: ClusterObject): SourceFile {
  const object = contentOf(written);
  const text = createHash('sha256').update(JSON.stringify(object)).digest('base64');
  return { path: pathOf(written), text, object };
}

/** `VirtualService/default/reviews`, by which messages name it. */
export function pathOf({ kind, metadata: { namespace, name } }: ClusterObject): string {
  return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** Without what others note in it about the rest. Of a Pod the status is the rest. */
function contentOf(object: ClusterObject): ClusterObject {
  const { status, ...content } = object;
  const { resourceVersion: _, generation: __, ...metadata } = object.metadata;
  return { ...content, ...(object.kind === 'Pod' && { status }), metadata };
}
