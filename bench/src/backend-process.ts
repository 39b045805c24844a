import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pinned } from './pin.js';

export interface Backend {
  readonly url: string;
  readonly kind: string;
  close(): void;
}

/** A backend in a process of its own, on the CPU that the clients are not on. */
export async function startBackend(): Promise<Backend> {
  const child = fork(fileURLToPath(new URL('backend.js', import.meta.url)), [], pinned(1));
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, kind: `node:http ${process.version}`, close: () => child.kill() };
}
