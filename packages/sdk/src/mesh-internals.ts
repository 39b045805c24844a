import type { Clock, InboundChecks, Random, RateLimiter, SnapshotHolder, Telemetry } from '@inmesh/core';
import type { IdentitySource } from './identity/identity.js';
import type { PeerRefusalReason } from './identity/refusal.js';
import type { UpstreamTlsContexts } from './identity/upstream-tls.js';
import type { Logger } from './logger.js';

/** What the parts of one mesh share. Not for users. */
export interface MeshInternals {
  readonly clock: Clock;
  /** Ms since 1970; what certificates are judged by. Default: Date.now. */
  readonly wallClock?: () => number;
  readonly random: Random;
  readonly logger: Logger;
  readonly snapshots: SnapshotHolder;
  readonly telemetry: readonly Telemetry[];
  /** Who this process is, for telemetry and xDS. */
  readonly workload: WorkloadInfo;
  /** Incoming headers that outgoing calls carry on to hosts of the mesh; `routed`: those that some route matches on. */
  readonly propagateHeaders: 'routed' | readonly string[];
  /** Why no configuration has ever been in use, once calls no longer wait for one; undefined when all is well. */
  readonly missingConfiguration?: () => string | undefined;
  /** @throws MeshError `invalid_request` for an authority that is not known */
  readonly claim?: Claim;
  /** Who this workload is; undefined: it has no certificate and asks for none. */
  readonly identity?: IdentitySource;
  /** Undefined: clusters that ask for TLS cannot be reached. */
  readonly upstreamTls?: UpstreamTlsContexts;
  /** Served in plain text where mutual TLS is required. Default: none. */
  readonly probePaths?: readonly string[];
  /** The same for `Check` of gRPC's health service. Default: no. */
  readonly takesGrpcProbes?: boolean;
  /** Told of each incoming connection that was refused. */
  readonly onConnectionRefused?: (reason: PeerRefusalReason) => void;
  /** SPIFFE IDs of those whose `x-forwarded-client-cert` is believed. Default: none. */
  readonly trustForwardedClientCert?: readonly string[];
  /** Undefined: incoming calls are not counted. */
  readonly rateLimiter?: RateLimiter;
  /** What the policies for incoming calls need. */
  readonly policy: InboundChecks;
}

/** Tells the source of a gRPC target `xds://AUTHORITY/HOST`, where it asks for hosts one by one. */
export type Claim = (scheme: 'http' | 'https', host: string, authority: string | undefined) => void;

/** From options or the environment (downward API); empty strings where unknown. */
export interface WorkloadInfo {
  readonly name: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly serviceAccount: string;
  readonly podName: string;
  readonly podIp: string;
  readonly clusterId: string;
}

/** Readies the configuration for an authority; undefined when it is ready already, which is nearly always. */
export type Prepare = (scheme: 'http' | 'https', authority: string) => Promise<void> | undefined;
