import { type FSWatcher, watch } from 'node:fs';
import type { Clock, Timer } from '@inmesh/core';

/** Events of one exchange come in a burst. */
const settleMs = 20;
/** Some mounts send no events, and links lead out of the folders that are watched. */
const pollMs = 1000;

/** Calls `look` soon after something changed in a folder, and every second. Returns what ends it. */
export function watchPaths(folders: readonly string[], clock: Clock, look: () => void): () => void {
  let timer: Timer;
  let isSettling = false;
  const again = (delayMs: number) => {
    timer = clock.setTimer(delayMs, () => {
      isSettling = false;
      again(pollMs);
      listen();
      look();
    });
  };
  const changed = () => {
    if (isSettling) return;
    isSettling = true;
    timer.cancel();
    again(settleMs);
  };
  const watchers = new Map<string, FSWatcher>();
  const listen = () => {
    for (const folder of folders) if (!watchers.has(folder)) tryToWatch(folder, watchers, changed);
  };
  again(pollMs);
  listen();
  return () => {
    timer.cancel();
    for (const watcher of watchers.values()) watcher.close();
  };
}

/** A folder that is not there yet is tried again at the next look. */
function tryToWatch(folder: string, watchers: Map<string, FSWatcher>, changed: () => void): void {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    const forget = () => {
      watcher.close();
      if (watchers.get(folder) === watcher) watchers.delete(folder);
    };
    watcher.on('error', forget);
    watchers.set(folder, watcher);
  } catch {
    watchers.delete(folder);
  }
}
