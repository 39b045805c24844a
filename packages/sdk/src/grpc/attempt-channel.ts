import type { CallCredentials } from '@grpc/grpc-js';
import type { CircuitBreaker } from '@inmesh/core';
import type { GrpcCall } from './grpc-call.js';
import type { AttemptCall } from './grpc-js.js';

/** What carries attempts. */
export interface AttemptChannel {
  /** Whether a call could be sent now, without waiting for a connection. */
  readonly isReady: boolean;
  /** @param deadline in ms since 1970; Infinity for none. grpc-js writes `grpc-timeout` from it */
  createCall(path: string, deadline: number, host: string, credentials: CallCredentials | undefined): AttemptCall;
  /** Calls back once when the connection is up. Returns what ends the waiting. */
  onReady(listener: () => void): () => void;
  /** How often something of a response has come, on whichever call. */
  readonly heard: number;
  onHeard(): void;
  /**
   * An attempt has run out of time with no answer.
   * @param heardBefore `heard` when it began
   * @param since when that was; default now
   */
  onUnanswered(heardBefore: number, since: number | undefined): void;
  onCallStarted(): void;
  onCallEnded(): void;
}

/** Where an attempt gets its channel. */
export interface ChannelSource {
  /** Whether a call goes to the endpoint that the mesh has picked. */
  readonly reachesEndpoints: boolean;
  /**
   * @param breaker the cluster's breaker of the call's priority, which counts the connections
   * @throws MeshError `mesh_closed` after the channels were closed
   */
  get(call: GrpcCall, breaker: CircuitBreaker): AttemptChannel;
}
