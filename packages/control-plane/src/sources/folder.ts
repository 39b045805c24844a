import { watchFolder } from '@inmesh/config/folder';
import type { SourceSlot } from './source-set.js';

export interface FolderSource {
  /** Settles when the files have been looked at once, well or badly. */
  readonly firstLook: Promise<void>;
  close(): void;
}

/** Publishes files and folders of YAML, now and with every save. */
export function watchConfig(paths: readonly string[], slot: SourceSlot): FolderSource {
  let looked!: () => void;
  const firstLook = new Promise<void>((resolve) => {
    looked = resolve;
  });
  const watch = watchFolder(paths, {
    onFiles: (files) => {
      slot.setErrors([]);
      slot.setFiles(files);
      looked();
    },
    onError: (error) => {
      slot.setErrors([error.message]);
      looked();
    },
  });
  return { firstLook, close: () => watch.close() };
}
