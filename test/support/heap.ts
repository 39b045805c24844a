import { getHeapCodeStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** In bytes, of what is still used after a collection. */
export interface Used {
  readonly heap: number;
  /** Not part of `heap`: V8 compiles functions as they become hot, and throws away the code of cold ones. */
  readonly code: number;
  /** Beside the heap: buffers, and what Node itself accounts for. */
  readonly external: number;
  /** What the operating system has given. */
  readonly resident: number;
}

/** Collects, until a second collection would find nothing more, and measures. */
export async function usedMemory(): Promise<Used> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let i = 0; i < 4; i += 1) {
    collect();
    // Finalizers, and what they free, have turns of their own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const { code_and_metadata_size: compiled, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
  const code = compiled + bytecode;
  return { heap: heapUsed - code, code, external, resident: rss };
}
