import { type ControlPlane, startControlPlane } from '@inmesh/control-plane';
import { type GrpcTestServer, grpcServer } from '../../../packages/sdk/test/grpc/interop-server.js';
import { ConfigFolder, serviceYaml } from '../../support/config-folder.js';
import { closeAfterEach } from '../../support/seeds.js';
import { type GrpcLibrary, GrpcPeer } from './grpc-peer.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

type ServerOptions = Parameters<typeof grpcServer>[0];

/** Closed after the test, the newest first. */
export const keep = closeAfterEach();

export async function startServers(...all: (ServerOptions & { name: string })[]): Promise<GrpcTestServer[]> {
  return Promise.all(all.map(async (options) => keep(await grpcServer(options))));
}

/** The Service, its endpoints and its Pods; each server is a version of its own. */
export function reviewsOf(servers: readonly Pick<GrpcTestServer, 'name' | 'port'>[]): string {
  const instances = servers.map(({ name, port }) => ({ app: 'reviews', version: name, port }));
  return serviceYaml('reviews', instances, { port: 9080 });
}

/** @param http the YAML of one HTTPRoute of a VirtualService, in flow style */
export function virtualService(http: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http: [${http}]
`;
}

/** @param rules in flow style */
export function grpcRoute(rules: string): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: reviews }
spec:
  parentRefs: [{ group: "", kind: Service, name: reviews }]
  rules: [${rules}]
`;
}

/** @param trafficPolicy in flow style */
export function destinationRule(trafficPolicy: string, subsets: readonly string[] = []): string {
  const named = subsets.map((version) => `{ name: ${version}, labels: { version: ${version} } }`);
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  trafficPolicy: ${trafficPolicy}
  subsets: [${named.join(', ')}]
`;
}

export function weights(v1: number, v2: number): string {
  const to = (subset: string, weight: number) =>
    `{ destination: { host: reviews, subset: ${subset} }, weight: ${weight} }`;
  return virtualService(`{ route: [${to('v1', v1)}, ${to('v2', v2)}] }`);
}

export interface World {
  readonly folder: ConfigFolder;
  readonly server: ControlPlane;
  readonly caller: GrpcPeer;
}

/** A config server on these files, and a caller that knows nothing but its address. */
export async function startWorld(library: GrpcLibrary, files: Readonly<Record<string, string>>): Promise<World> {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
  const server = keep(await startControlPlane({ config: [folder.path], logger: silent, ...ports }));
  const caller = keep(await GrpcPeer.start(library, server.addresses.xds));
  return { folder, server, caller };
}
