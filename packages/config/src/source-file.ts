/** A file as whoever calls has read it, or an object of a cluster, which stands for itself as a file of its own. */
export interface SourceFile {
  readonly path: string;
  /** Equal for equal contents. */
  readonly text: string;
  /** What it holds, of whom `text` is then only a mark: a cluster gives objects, and writing them down would be for nothing. */
  readonly object?: Readonly<Record<string, unknown>>;
  /** What was right of this object before, as others remember it: used in its place when it cannot be. */
  readonly lastGood?: LastGood | undefined;
}

export interface LastGood {
  readonly file: SourceFile;
  /** Whether it was kept for this very content, so that all who have it go by it; else by what they remember themselves. */
  readonly isDecided: boolean;
}
