import type { Logger } from './logger.js';

export interface ControlPlaneOptions {
  /** Files and folders of YAML; they are watched. */
  readonly config: readonly string[];
  readonly logger: Logger;
  /** Of all three ports. Default: loopback, because the debug port tells everything and asks nobody who they are. */
  readonly host?: string | undefined;
  /** 0 takes a free port, here and below. Default 15010. */
  readonly xdsPort?: number | undefined;
  /** Default 15014. */
  readonly metricsPort?: number | undefined;
  /** Default 8080. */
  readonly debugPort?: number | undefined;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string | undefined;
  /** Of objects that name none. Default `default`. */
  readonly defaultNamespace?: string | undefined;
}

export const defaultOptions = Object.freeze({
  host: '127.0.0.1',
  xdsPort: 15010,
  metricsPort: 15014,
  debugPort: 8080,
});
