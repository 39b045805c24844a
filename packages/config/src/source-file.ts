/** A file as whoever calls has read it, or an object of a cluster, which stands for itself as a file of its own. */
export interface SourceFile {
  readonly path: string;
  /** Equal for equal contents. */
  readonly text: string;
  /** What it holds, of whom `text` is then only a mark: a cluster gives objects, and writing them down would be for nothing. */
  readonly object?: Readonly<Record<string, unknown>>;
}
