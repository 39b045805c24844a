import type { Mesh } from 'inmesh';
import { type GrpcTestServer, grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { type Backend, startBackend } from './backends.js';
import { serviceYaml } from './config-folder.js';
import { constantLoad } from './load.js';

/** Takes what is to be closed in the end. */
type Keep = <T extends { close(): unknown }>(one: T) => T;

/** Of `reviews` and of `ratings`, in the versions v1, v2 and v2. */
export interface Backends {
  readonly http: readonly Backend[];
  readonly grpc: readonly GrpcTestServer[];
}

export async function startBackends(keep: Keep): Promise<Backends> {
  const versions = ['v1', 'v2', 'v2'];
  return {
    http: await Promise.all(versions.map(async (version) => keep(await startBackend('reviews', version)))),
    grpc: await Promise.all(versions.map(async (name) => keep(await grpcServer({ name })))),
  };
}

/** Says its number in each answer; the odd ones go to v1 and have one endpoint of v2, the even ones go to v2 and have two. */
export function configuration(number: number, { http, grpc }: Backends): string {
  const isOdd = number % 2 === 1;
  const used = <T>(all: readonly T[]) => (isOdd ? all.slice(0, 2) : all);
  const ratings = grpc.map(({ name, port }) => ({ app: 'ratings', version: name, port }));
  return [
    serviceYaml('reviews', used(http)),
    serviceYaml('ratings', used(ratings)),
    ...['reviews', 'ratings'].map((host) => rules(host, number, isOdd ? 100 : 0)),
  ].join('\n---\n');
}

const rules = (host: string, number: number, toV1: number) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${host} }
spec:
  hosts: [${host}]
  http:
    - headers: { response: { set: { x-configuration: "${number}" } } }
      route:
        - { destination: { host: ${host}, subset: v1 }, weight: ${toV1} }
        - { destination: { host: ${host}, subset: v2 }, weight: ${100 - toV1} }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host} }
spec:
  host: ${host}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

/** A client under load, which knows the configuration that its last answer came by: `200 v2 of 7`. */
export interface Caller {
  readonly answers: readonly string[];
  readonly failures: readonly unknown[];
  stop(): Promise<void>;
}

/** One by fetch and one by gRPC. */
export function callersOf(mesh: Mesh, keep: Keep): Caller[] {
  const ratings = keep(mesh.grpc.client(TestService, 'ratings:80'));
  const http = constantLoad(2, async () => {
    const response = await mesh.fetch('http://reviews/');
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    return `${text} of ${response.headers.get('x-configuration')}`;
  });
  const grpc = constantLoad(2, async () => {
    const { error, response, metadata } = await unary(ratings);
    if (error !== null) throw error;
    return `${response?.username} of ${metadata?.get('x-configuration')[0]}`;
  });
  return [http, grpc];
}
