import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { MeshObject } from './mesh-objects.js';

/** Of Pods and EndpointSlices, in MB of heap. */
export interface ObjectMemory {
  readonly objects: number;
  /** As the API server sends them. */
  readonly wholeMb: number;
  /** What the config server keeps of them. */
  readonly keptMb: number;
}

export interface KeptKind {
  /** A list, as JSON. */
  readonly list: string;
  readonly keep: (object: MeshObject) => MeshObject | undefined;
}

export function measureObjects(kinds: readonly KeptKind[]): ObjectMemory {
  const whole = measured(() => kinds.map(({ list }) => itemsOf(list)));
  const kept = measured(() => kinds.map(({ list, keep }) => itemsOf(list).map(keep)));
  return { objects: whole.made.flat().length, wholeMb: whole.mb, keptMb: kept.mb };
}

function itemsOf(list: string): readonly MeshObject[] {
  return (JSON.parse(list) as { readonly items: readonly MeshObject[] }).items;
}

function measured<Made>(make: () => Made): { readonly made: Made; readonly mb: number } {
  const before = heapMb();
  const made = make();
  return { made, mb: heapMb() - before };
}

function heapMb(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed / 1e6;
}
