/** A file as whoever calls has read it. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}
