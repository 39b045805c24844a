import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pinned } from './pin.js';
import type { Suite } from './variants/variant.js';

export interface Backend {
  readonly port: number;
  readonly kind: string;
  close(): void;
}

const names = { http: 'node:http', mtls: 'node:https', grpc: '@grpc/grpc-js' };

/** A backend in a process of its own, on the CPU that the clients are not on. */
export async function startBackend(kind: Suite['backend'], identities: string): Promise<Backend> {
  const child = fork(fileURLToPath(new URL('backend.js', import.meta.url)), [kind, identities], pinned(1));
  const [port] = (await once(child, 'message')) as [number];
  return { port, kind: `${names[kind]} ${process.version}`, close: () => child.kill() };
}
