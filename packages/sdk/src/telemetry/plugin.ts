import type { Telemetry } from '@inmesh/core';
import type { JwtProblem } from '../authentication/jwt-problem.js';
import type { GuardEvent } from '../guard/guard-event.js';
import type { PeerRefusalReason } from '../identity/refusal.js';
import type { MeshInternals } from '../mesh-internals.js';

/** A listener to the calls of one mesh, and to its guarded functions if it cares. */
export interface MeshTelemetry extends Telemetry {
  /** Must not throw. */
  guardCallEnded?(event: GuardEvent): void;
  /** The store that limits of the whole mesh are counted in answers, or calls are counted by this process alone. */
  rateLimitStoreChanged?(answering: boolean): void;
  /** An incoming connection was refused before any request of it. Must not throw. */
  connectionRefused?(reason: PeerRefusalReason): void;
  /** An incoming request was refused for its token, or for the lack of one. Must not throw. */
  tokenRefused?(reason: JwtProblem): void;
  /** The mesh was closed. */
  close?(): void;
}

/** What `createMesh({ telemetry: [...] })` takes. One plugin may serve several meshes. */
export interface TelemetryPlugin {
  create(internals: Pick<MeshInternals, 'workload' | 'clock' | 'logger' | 'snapshots' | 'identity'>): MeshTelemetry;
}
