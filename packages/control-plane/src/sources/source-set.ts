import type { SourceFile } from '@inmesh/config';
import type { ConfigState } from '../config-state.js';

/** Where files are published. */
export interface FilesTarget {
  setFiles(files: readonly SourceFile[], sourceError?: string): ConfigState;
  setSourceError(message: string | undefined): void;
}

/** One of the places that a configuration comes from. */
export interface SourceSlot {
  setFiles(files: readonly SourceFile[]): void;
  /** Why it cannot be read, or not as it is now; undefined: it can. What was read stays. */
  setError(message: string | undefined): void;
}

interface Slot {
  readonly onState: ((state: ConfigState) => void) | undefined;
  files: readonly SourceFile[] | undefined;
  error: string | undefined;
}

/** Joins what several sources give. Nothing is published before each of them has been read once: half is not the whole. */
export class SourceSet {
  readonly #slots: Slot[] = [];

  constructor(private readonly target: FilesTarget) {}

  /**
   * To be called for all sources before any of them gives something.
   * @param onState called with what has become of the files, of whatever source they are
   */
  join(onState?: (state: ConfigState) => void): SourceSlot {
    const slot: Slot = { onState, files: undefined, error: undefined };
    this.#slots.push(slot);
    return {
      setFiles: (files) => {
        slot.files = files;
        this.#publish();
      },
      setError: (message) => {
        if (message === slot.error) return;
        slot.error = message;
        this.target.setSourceError(this.#error);
      },
    };
  }

  get #error(): string | undefined {
    const errors = this.#slots.flatMap(({ error }) => (error === undefined ? [] : [error]));
    return errors.length === 0 ? undefined : errors.join('; ');
  }

  #publish(): void {
    const files = this.#slots.map((slot) => slot.files);
    if (!files.every((some) => some !== undefined)) return;
    const state = this.target.setFiles(files.flat(), this.#error);
    for (const { onState } of this.#slots) onState?.(state);
  }
}
