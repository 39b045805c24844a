import type { SourceFile } from './source-file.js';

/** Files with a path each of its own. Those of thousands that are looked up are few, and most often none is. */
export class FileSet {
  #byPath: Map<string, SourceFile> | undefined;

  constructor(private readonly given: readonly SourceFile[]) {}

  list(): readonly SourceFile[] {
    return this.#byPath === undefined ? this.given : [...this.#byPath.values()];
  }

  get(path: string): SourceFile | undefined {
    return this.#files.get(path);
  }

  set(path: string, file: SourceFile): void {
    this.#files.set(path, file);
  }

  delete(path: string): void {
    this.#files.delete(path);
  }

  /** Whether both have the same paths with the same texts, in any order. */
  equals(other: FileSet): boolean {
    const [own, others] = [this.list(), other.list()];
    return own.length === others.length && own.every((file, index) => isSame(file, others[index]!, other));
  }

  get #files(): Map<string, SourceFile> {
    this.#byPath ??= new Map(this.given.map((file) => [file.path, file]));
    return this.#byPath;
  }
}

/** @param likely the other, where the order is the same */
function isSame(file: SourceFile, likely: SourceFile, others: FileSet): boolean {
  if (file === likely) return true;
  const other = file.path === likely.path ? likely : others.get(file.path);
  return file.text === other?.text;
}
