import { type Backend, startBackend } from '../../support/backends.js';
import type { ApiClient } from './api-client.js';
import { startPod } from './cluster-objects.js';
import { hostAddress } from './host-address.js';
import { endpointSlice, type SliceEndpoint } from './objects.js';

type Handler = Parameters<typeof startBackend>[2];

/** A pod that takes calls on this machine: a backend, with the Pod and the EndpointSlice that tell of it. */
export class RunningPod {
  private constructor(
    private readonly api: ApiClient,
    private readonly of: { readonly namespace: string; readonly service: string; readonly name: string },
    readonly backend: Backend,
  ) {}

  /** Its answer is its version. All pods have one address, so that each has a slice of its own, for its port. */
  static async start(
    api: ApiClient,
    of: { readonly namespace: string; readonly service: string; readonly name: string; readonly version: string },
    handler?: Handler,
  ): Promise<RunningPod> {
    const { namespace, service, name, version } = of;
    const ip = hostAddress();
    const backend = await startBackend(service, version, handler, 0, ip);
    await startPod(api, namespace, name, { ip, labels: { app: service, version }, nodeName: 'node-a' });
    return new RunningPod(api, { namespace, service, name }, backend);
  }

  /** Writes its EndpointSlice, ready unless told otherwise. */
  async announce(conditions: Partial<Pick<SliceEndpoint, 'ready' | 'serving' | 'terminating'>> = {}): Promise<void> {
    const { namespace, service, name } = this.of;
    const endpoint = { address: hostAddress(), pod: name, nodeName: 'node-a', ...conditions };
    const ports = [{ name: 'http', port: this.backend.port }];
    await this.api.apply(endpointSlice(namespace, service, { name, ports, endpoints: [endpoint] }));
  }

  /** Its slice and its Pod are gone; the backend still answers. */
  async forget(): Promise<void> {
    const { namespace, service, name } = this.of;
    await this.api.remove(endpointSlice(namespace, service, { name, ports: [], endpoints: [] }));
    await this.api.remove({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name } });
  }

  close(): Promise<void> {
    return this.backend.close();
  }
}
