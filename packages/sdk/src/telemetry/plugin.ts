import type { Telemetry } from '@inmesh/core';
import type { GuardEvent } from '../guard/guard-event.js';
import type { MeshInternals } from '../mesh-internals.js';

/** A listener to the calls of one mesh, and to its guarded functions if it cares. */
export interface MeshTelemetry extends Telemetry {
  /** Must not throw. */
  guardCallEnded?(event: GuardEvent): void;
}

/** What `createMesh({ telemetry: [...] })` takes. One plugin may serve several meshes. */
export interface TelemetryPlugin {
  create(internals: Pick<MeshInternals, 'workload' | 'clock' | 'logger'>): MeshTelemetry;
}
