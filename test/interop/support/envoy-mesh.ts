import { type CaOptions, type ControlPlane, startControlPlane } from '@inmesh/control-plane';
import type { ClientStatus } from '@inmesh/xds/server';
import type { ConfigFolder } from '../../support/config-folder.js';
import type { closeAfterEach } from '../../support/seeds.js';
import { Envoy, type EnvoyOptions } from './envoy.js';

type Keep = ReturnType<typeof closeAfterEach>;

/** A config server in this process. */
export interface Server {
  readonly xds: string;
  /** Of its TLS port, where it has an authority. */
  readonly tls: string;
  readonly authority: ControlPlane['authority'];
  /** What it said, a line each. */
  readonly lines: readonly string[];
  /** One entry for each stream. */
  clients(): Promise<ClientStatus[]>;
  close(): Promise<void>;
}

export async function serve(folder: string, xdsPort = 0, ca?: CaOptions): Promise<Server> {
  const lines: string[] = [];
  const log = (line: string, fields?: object) => void lines.push(`${line} ${JSON.stringify(fields ?? {})}`);
  const logger = { debug: () => {}, info: log, warn: log, error: log };
  const plane = await startControlPlane({ config: [folder], logger, xdsPort, metricsPort: 0, debugPort: 0, ca });
  const clients = async () => {
    const response = await fetch(`http://${plane.addresses.debug}/debug/status`);
    return ((await response.json()) as { clients: ClientStatus[] }).clients;
  };
  const { xds, tls = '' } = plane.addresses;
  return { xds, tls, authority: plane.authority, lines, clients, close: () => plane.close() };
}

export interface EnvoyMesh {
  readonly server: Server;
  readonly envoy: Envoy;
}

/** An Envoy that has its configuration from a folder; ready when it takes calls and has said so of all that it asked for. */
export async function joinEnvoy(
  keep: Keep,
  folder: ConfigFolder,
  variant: EnvoyOptions['variant'],
  options: Partial<EnvoyOptions> = {},
): Promise<EnvoyMesh> {
  const server = keep(await serve(folder.path));
  const envoy = keep(await Envoy.start({ variant, xds: server.xds, ...options }));
  await envoy.waitFor('calls to be taken', () => envoy.isListening());
  await envoy.waitFor('an answer to all', () => isAcknowledged(server));
  return { server, envoy };
}

/** Whether all that was sent has been accepted. */
export async function isAcknowledged(server: Server): Promise<boolean> {
  const types = (await server.clients()).flatMap((client) => client.types);
  return types.length > 0 && types.every(({ sentVersion, ackedVersion }) => sentVersion === ackedVersion);
}

/** What the server was refused, and what Envoy counts as refused. */
export async function refusals({ server, envoy }: EnvoyMesh): Promise<string[]> {
  const nacks = (await server.clients()).flatMap(({ types }) => types.flatMap(({ nack }) => nack?.message ?? []));
  const counted = [...(await envoy.stats())].filter(([name, count]) => name.endsWith('update_rejected') && count > 0);
  return [...nacks, ...counted.map(([name, count]) => `${name}: ${count}`)];
}
