import { type MeshObject, type MeshSize, namespace, podsOf, rulesOf, sliceOf, splitOf } from './mesh-objects.js';
import type { ChangeName, MeshSource } from './mesh-source.js';
import { nowMs } from './messages.js';
import { measureObjects, type ObjectMemory } from './object-memory.js';
import { type ApiServer, loadTestSupport, type TestSupport, type Watch } from './test-support.js';

/** As many requests at once as the API server takes of one client without a wait. */
const writers = 16;

/** The objects in a real API server of the tests, without kubelet and controllers. */
export class ClusterSource implements MeshSource {
  readonly name = 'kubernetes';
  readonly begin = "the API server's own watch event";
  readonly remark = 'Of each change 100 ms are the wait of the server for the next one (debounce).';

  private constructor(
    private readonly support: TestSupport,
    private readonly server: ApiServer,
    private readonly size: MeshSize,
    private readonly watches: Readonly<Record<ChangeName, Watch>>,
  ) {}

  static async start(size: MeshSize, log: (line: string) => void): Promise<ClusterSource> {
    const support = await loadTestSupport();
    const server = await support.startApiServer();
    await support.installCrds(server, 'istio');
    await support.makeNamespace(server.api, namespace);
    log('writing the objects into the API server');
    await writeMesh(size, (object) => post(server, support, object));
    const watch = (object: MeshObject) => watchOne(server, support, object);
    const watches = { 'one endpoint': await watch(sliceOf(0, 1, 0)), 'a weight': await watch(splitOf(0, 50)) };
    return new ClusterSource(support, server, size, watches);
  }

  get place(): string {
    return this.server.kubeconfigOf(this.server.adminToken, this.server.directUrl);
  }

  async change(name: ChangeName, round: number): Promise<number> {
    const isWeight = name === 'a weight';
    const object = isWeight ? splitOf(0, 50 - round) : sliceOf(0, this.size.endpointsOfService, round);
    const path = this.support.pathOf(object);
    const contentType = 'application/merge-patch+json';
    const { status, body } = await this.server.api.request('PATCH', path, object, { contentType });
    if (status !== 200) throw new Error(`PATCH ${path} was answered with ${status}: ${JSON.stringify(body)}`);
    const version = versionOf(body);
    const event = await this.watches[name].find(path, (one) => versionOf(one.object) === version);
    // The clock of all processes began earlier.
    return nowMs() - (performance.now() - event.at);
  }

  async measureObjects(): Promise<ObjectMemory> {
    const { keptOfPod, keptOfSlice, listPath } = this.support;
    const list = async (apiVersion: string, kind: string) => {
      const { body } = await this.server.api.request('GET', listPath(apiVersion, kind, namespace));
      return JSON.stringify(body);
    };
    return measureObjects([
      { list: await list('v1', 'Pod'), keep: keptOfPod },
      { list: await list('discovery.k8s.io/v1', 'EndpointSlice'), keep: keptOfSlice },
    ]);
  }

  async close(): Promise<void> {
    for (const watch of Object.values(this.watches)) watch.close();
    await this.server.close();
    await this.support.close();
  }
}

async function writeMesh({ services, endpointsOfService }: MeshSize, write: (object: MeshObject) => Promise<void>) {
  const indexes = Array.from({ length: services }, (_, index) => index);
  const work = async () => {
    for (let index = indexes.pop(); index !== undefined; index = indexes.pop()) {
      const pods = podsOf(index, endpointsOfService, 0).map(withContainer);
      for (const object of [...rulesOf(index, 50), ...pods, sliceOf(index, endpointsOfService, 0)]) await write(object);
    }
  };
  await Promise.all(Array.from({ length: writers }, work));
}

/** A pod as it is before a kubelet has started it. */
function withContainer({ status: _, ...pod }: MeshObject): MeshObject {
  return { ...(pod as MeshObject), spec: { containers: [{ name: 'main', image: 'example.test/main' }] } };
}

async function post({ api }: ApiServer, { listPath }: TestSupport, object: MeshObject): Promise<void> {
  const path = listPath(object.apiVersion, object.kind, namespace);
  const { status, body } = await api.request('POST', path, object);
  if (status !== 201) throw new Error(`POST ${path} was answered with ${status}: ${JSON.stringify(body)}`);
}

function watchOne({ api }: ApiServer, { listPath }: TestSupport, { apiVersion, kind, metadata }: MeshObject) {
  return api.watch(listPath(apiVersion, kind, namespace), { fieldSelector: `metadata.name=${metadata.name}` });
}

function versionOf({ metadata }: MeshObject): unknown {
  return (metadata as { readonly resourceVersion?: unknown }).resourceVersion;
}
