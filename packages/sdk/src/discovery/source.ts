import type { MeshResources } from '@inmesh/core';
import type { SecretSource } from '../identity/tls-material.js';
import type { Claim, Prepare } from '../mesh-internals.js';
import type { MeshTelemetry } from '../telemetry/plugin.js';

/** Where configuration comes from. Delivers complete, valid sets; keeps the last good one to itself while something is wrong. */
export interface ConfigSource {
  /** For logs and `mesh.status()`, e.g. `xds 127.0.0.1:15010`. */
  readonly description: string;
  /** `deliver` settles when what it was given is in use, or something newer is waiting to be. */
  start(deliver: (resources: MeshResources) => Promise<void>): void;
  /** Where hosts are asked for one by one: settles when what there is of this one is in use. Undefined when it is already. */
  readonly prepare?: Prepare | undefined;
  /**
   * The same sources are told of the targets of gRPC channels, `xds://AUTHORITY/HOST` or `xds:///HOST`.
   * @throws MeshError `invalid_request` for an authority that is not known
   */
  readonly claim?: Claim | undefined;
  /** What listens to the calls of the mesh, where the source has to tell of them. */
  readonly telemetry?: MeshTelemetry | undefined;
  /** What clusters name for their TLS. Undefined: there are none. */
  readonly secrets?: SecretSource | undefined;
  /** Of several, the one that is listened to, as `host:port`; undefined while there is none. */
  readonly server?: string | undefined;
  /** Why there is no newer configuration; undefined while all is well. */
  readonly problem: string | undefined;
  close(): void | Promise<void>;
}
