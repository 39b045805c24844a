import { startControlPlane } from '@inmesh/control-plane';
import { startConfigServer } from './config-server.js';

/** A config server that can be ended and begun again on the same port. */
export interface RestartedServer {
  /** Ends it if it runs. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const silent = { info() {}, warn() {}, error() {} };

/** In this process, ended in order: its streams end with a status. */
export function serverInProcess(folder: string, xdsPort: number): RestartedServer {
  let running: { close(): Promise<void> } | undefined;
  return {
    async stop() {
      await running?.close();
      running = undefined;
    },
    async start() {
      running = await startControlPlane({ config: [folder], xdsPort, metricsPort: 0, debugPort: 0, logger: silent });
    },
  };
}

/** `inmesh serve`, killed: nobody is told anything. */
export function serverProcess(folder: string, xdsPort: number): RestartedServer {
  let running: { kill(signal: NodeJS.Signals): Promise<void> } | undefined;
  return {
    async stop() {
      await running?.kill('SIGKILL');
      running = undefined;
    },
    async start() {
      running = await startConfigServer(folder, { xdsPort });
    },
  };
}
