import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../../src/index.js';

export interface StartedServer extends ControlPlane {
  /** All lines so far. */
  readonly lines: readonly string[];
  get(port: 'metrics' | 'debug', path: string, init?: RequestInit): Promise<{ status: number; text: string }>;
}

/** A config server on free ports. */
export async function startServer(folder: string, options: Partial<ControlPlaneOptions> = {}): Promise<StartedServer> {
  const lines: string[] = [];
  const log = (message: string) => lines.push(message);
  const server = await startControlPlane({
    config: [folder],
    xdsPort: 0,
    metricsPort: 0,
    debugPort: 0,
    logger: { info: log, warn: log, error: log },
    ...options,
  });
  return {
    ...server,
    lines,
    get: async (port, path, init) => {
      const response = await fetch(`http://${server.addresses[port]}${path}`, init);
      return { status: response.status, text: await response.text() };
    },
  };
}
