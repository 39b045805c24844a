// What the services have in common: each is a member of the mesh, tells its metrics, and says what it refuses.
import type { IncomingMessage } from 'node:http';
import { createMesh, type Logger, type Mesh } from 'inmesh';
import { prometheus } from 'inmesh/prometheus';
import { Registry } from 'prom-client';

export interface Member {
  readonly mesh: Mesh;
  readonly register: Registry;
}

export async function joinMesh(): Promise<Member> {
  const register = new Registry();
  return { register, mesh: await createMesh({ telemetry: [prometheus({ register })], logger: lineLogger }) };
}

/** By its certificate, as the mesh has verified it. */
export function callerOf({ mesh }: Pick<IncomingMessage, 'mesh'>): string {
  return mesh?.peer?.spiffeId ?? 'somebody without a certificate';
}

/** A line for each message: the demo puts the name of the process before it. */
const lineLogger: Logger = { debug: tell, info: tell, warn: tell, error: tell };

function tell(message: string, fields: object = {}): void {
  const told = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  console.log(`${message}${told.join('')}`);
}
