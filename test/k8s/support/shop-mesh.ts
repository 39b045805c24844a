import { createMesh, type Mesh } from 'inmesh';
import { ApiServer } from './api-server.js';
import type { ApiServerOptions } from './api-server-flags.js';
import { makeNamespace } from './cluster-objects.js';
import { installCrds } from './crds.js';
import { node, service } from './objects.js';
import { type ServedCluster, serveCluster } from './serve-cluster.js';
import { RunningPod } from './workloads.js';

export const namespace = 'shop';

/** An API server with the Service `reviews`, config servers for it, clients of those, and pods. Closes all that it has opened. */
export class ShopMesh {
  readonly #open: { close(): unknown }[] = [];

  private constructor(readonly server: ApiServer) {}

  /** With Istio's CRDs, unless told otherwise. */
  static async start({
    crds = true,
    ...options
  }: ApiServerOptions & { readonly crds?: boolean } = {}): Promise<ShopMesh> {
    const server = await ApiServer.start(options);
    const shop = new ShopMesh(server);
    shop.keep(server);
    await makeNamespace(server.api, namespace);
    await server.api.apply(node('node-a', { region: 'north', zone: 'north-1' }));
    await server.api.apply(service(namespace, 'reviews', { ports: [{ name: 'http', port: 80, targetPort: 'http' }] }));
    if (crds) await installCrds(server, 'istio');
    return shop;
  }

  keep<T extends { close(): unknown }>(one: T): T {
    this.#open.push(one);
    return one;
  }

  async serve(
    ...options: Parameters<typeof serveCluster> extends [string, ...infer Rest] ? Rest : never
  ): Promise<ServedCluster> {
    return this.keep(await serveCluster(this.server.kubeconfig, ...options));
  }

  async client({ addresses: { xds } }: ServedCluster): Promise<Mesh> {
    const mesh = this.keep(await createMesh({ xds, namespace }));
    await mesh.ready();
    return mesh;
  }

  /** A pod of `reviews` that is ready. */
  async pod(name: string, version: string, handler?: Parameters<typeof RunningPod.start>[2]): Promise<RunningPod> {
    const pod = this.keep(
      await RunningPod.start(this.server.api, { namespace, service: 'reviews', name, version }, handler),
    );
    await pod.announce();
    return pod;
  }

  async close(): Promise<void> {
    for (const one of this.#open.splice(0).reverse()) await one.close();
  }
}

/** What a call of `reviews` is answered with; a failure is told and not thrown. */
export async function callReviews(mesh: Mesh): Promise<string> {
  try {
    const response = await mesh.fetch('http://reviews/');
    return `${response.status} ${await response.text()}`;
  } catch (error) {
    return String(error);
  }
}
