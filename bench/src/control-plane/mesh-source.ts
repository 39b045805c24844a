import type { SourceName } from './messages.js';
import type { ObjectMemory } from './object-memory.js';

export type ChangeName = 'one endpoint' | 'a weight';

/** Where the servers have their mesh from. */
export interface MeshSource {
  readonly name: SourceName;
  /** What a server is told of it: a folder, or a kubeconfig. */
  readonly place: string;
  /** From when a change counts. */
  readonly begin: string;
  /** What is to be said of the figures. */
  readonly remark: string;
  /**
   * Changes the first service, which all clients call, to another content for each round. Resolves to the time from which it
   * counts, in ms of the clock of all processes.
   */
  change(name: ChangeName, round: number): Promise<number>;
  /** What of its objects a server keeps; undefined where that is all of them. */
  measureObjects(): Promise<ObjectMemory | undefined>;
  close(): Promise<void>;
}
