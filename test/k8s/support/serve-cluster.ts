import { type ControlPlane, type ControlPlaneOptions, findCluster, startControlPlane } from '@inmesh/control-plane';

export interface ServedCluster extends ControlPlane {
  readonly lines: readonly string[];
}

/** A config server in this process, with the objects of a cluster. */
export async function serveCluster(
  kubeconfig: string,
  { kubernetes, ...options }: Partial<ControlPlaneOptions> = {},
): Promise<ServedCluster> {
  const lines: string[] = [];
  const log = (message: string) => lines.push(message);
  const controlPlane = await startControlPlane({
    ...{ config: [], logger: { info: log, warn: log, error: log } },
    ...{ xdsPort: 0, metricsPort: 0, debugPort: 0 },
    ...options,
    kubernetes: { cluster: findCluster({ kubeconfig }), ...kubernetes },
  });
  return { ...controlPlane, lines };
}
