import type { MeshResources } from '@inmesh/core';

/** Where configuration comes from. Delivers complete, valid sets; keeps the last good one to itself while something is wrong. */
export interface ConfigSource {
  /** For logs and `mesh.status()`, e.g. `xds 127.0.0.1:15010`. */
  readonly description: string;
  start(deliver: (resources: MeshResources) => void): void;
  /** Why there is no newer configuration; undefined while all is well. */
  readonly problem: string | undefined;
  close(): void | Promise<void>;
}
