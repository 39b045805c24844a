import { watchFolder } from '@inmesh/config/folder';
import type { ConfigPublisher } from '../publish.js';

export interface FolderSource {
  /** Settles when the files have been looked at once, well or badly. */
  readonly firstLook: Promise<void>;
  close(): void;
}

/** Publishes files and folders of YAML, now and with every save. */
export function watchConfig(paths: readonly string[], publisher: ConfigPublisher): FolderSource {
  let looked!: () => void;
  const firstLook = new Promise<void>((resolve) => {
    looked = resolve;
  });
  const watch = watchFolder(paths, {
    onFiles: (files) => {
      publisher.setFiles(files);
      looked();
    },
    onError: (error) => {
      publisher.setSourceError(error);
      looked();
    },
  });
  return { firstLook, close: () => watch.close() };
}
