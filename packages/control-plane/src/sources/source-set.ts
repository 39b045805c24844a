import { isDeepStrictEqual } from 'node:util';
import type { SourceFile } from '@inmesh/config';
import type { ConfigState } from '../config-state.js';

/** Where files are published. */
export interface FilesTarget {
  setFiles(files: readonly SourceFile[], sourceErrors?: readonly string[]): ConfigState;
  setSourceErrors(messages: readonly string[]): void;
}

/** One of the places that a configuration comes from. */
export interface SourceSlot {
  setFiles(files: readonly SourceFile[]): void;
  /** Why it cannot be read, or not as it is now; none: it can. What was read stays. */
  setErrors(messages: readonly string[]): void;
}

interface Slot {
  readonly onState: ((state: ConfigState) => void) | undefined;
  files: readonly SourceFile[] | undefined;
  errors: readonly string[];
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
    const slot: Slot = { onState, files: undefined, errors: [] };
    this.#slots.push(slot);
    return {
      setFiles: (files) => {
        slot.files = files;
        this.#publish();
      },
      setErrors: (messages) => {
        if (isDeepStrictEqual(messages, slot.errors)) return;
        slot.errors = messages;
        this.target.setSourceErrors(this.#errors);
      },
    };
  }

  get #errors(): readonly string[] {
    return this.#slots.flatMap(({ errors }) => errors);
  }

  #publish(): void {
    const files = this.#slots.map((slot) => slot.files);
    if (!files.every((some) => some !== undefined)) return;
    const [only] = files;
    const all = files.length === 1 ? only! : files.flat();
    const state = this.target.setFiles(all, this.#errors);
    for (const { onState } of this.#slots) onState?.(state);
  }
}
