import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Workload } from '../../../examples/bookinfo/src/demo/topology.js';
import type { ApiClient } from './api-client.js';
import { serviceAccountToken, startPod } from './cluster-objects.js';
import { hostAddress } from './host-address.js';
import type { PodTemplate } from './manifests.js';
import { endpointSlice } from './objects.js';

const dist = join(import.meta.dirname, '../../../examples/bookinfo/dist');
const namespace = 'default';
const nodeName = 'node-a';

/** What a cluster is to a pod. */
export interface PodSurroundings {
  readonly api: ApiClient;
  /** For its volumes. */
  readonly folder: string;
  /** Its Deployment's, as `k8s/app-example` has it. */
  readonly template: PodTemplate;
  /** What `inmesh.inmesh-system.svc:15012` leads to. */
  readonly configServer: string;
  /** PEM. */
  readonly roots: string;
}

/** A process of `examples/bookinfo` with the environment of a pod, and the Pod and EndpointSlice that tell of it. */
export class BookinfoPod {
  #log = '';
  #port = 0;

  private constructor(
    private readonly around: PodSurroundings,
    private readonly workload: Workload,
    /** Unlike that of a pod before it. */
    readonly name: string,
    private readonly process: ChildProcess,
  ) {
    for (const output of [process.stdout, process.stderr]) output!.on('data', (chunk) => (this.#log += chunk));
  }

  /** Resolves when it is ready and told of. @throws with its output when it ends before */
  static async start(
    around: PodSurroundings,
    { suffix, ...workload }: Workload & { readonly suffix: string },
    variables: Readonly<Record<string, string>> = {},
  ): Promise<BookinfoPod> {
    const name = `${workload.name}-${suffix}`;
    const volume = await mountVolume(around, name, workload);
    const child = fork(join(dist, `services/${workload.app}.js`), [name], {
      // Ends it with the test's process.
      execArgv: ['--import', pathToFileURL(join(dist, 'demo/child-preload.js')).href],
      env: { ...process.env, ...environmentOf(around, name, workload, volume), ...variables },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const pod = new BookinfoPod(around, workload, name, child);
    await pod.#announce();
    return pod;
  }

  get url(): string {
    return `http://${hostAddress()}:${this.#port}`;
  }

  /** As a pod that is deleted without a grace period. */
  async remove(): Promise<void> {
    await this.around.api.remove(this.#slice());
    await this.around.api.remove({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: this.name } });
    await this.close();
  }

  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  async #announce(): Promise<void> {
    const ended = once(this.process, 'exit').then(() => undefined);
    const told = await Promise.race([once(this.process, 'message'), ended]);
    if (told === undefined) throw new Error(`${this.name} ended before it was ready:\n${this.#log}`);
    const [{ port, metricsPort }] = told as [{ port: number; metricsPort: number }];
    this.#port = port;
    const { app, version, serviceAccount: serviceAccountName } = this.workload;
    const { metadata } = this.around.template;
    const annotations = {
      ...metadata.annotations,
      // All pods have one address here.
      'prometheus.io/port': String(metricsPort),
    };
    const labels = { ...metadata.labels, app, version };
    const spec = { ip: hostAddress(), nodeName, serviceAccountName, labels, annotations };
    await startPod(this.around.api, namespace, this.name, spec);
    await this.around.api.apply(this.#slice());
  }

  #slice() {
    const endpoints = [{ address: hostAddress(), pod: this.name, nodeName }];
    const ports = [{ name: 'http', port: this.#port }];
    return endpointSlice(namespace, this.workload.app, { name: this.name, ports, endpoints });
  }
}

/** A token of its ServiceAccount and the root certificates, in the files that its Deployment names. */
async function mountVolume({ api, folder, roots }: PodSurroundings, name: string, { serviceAccount }: Workload) {
  const volume = join(folder, name);
  mkdirSync(volume);
  const token = await serviceAccountToken(api, namespace, serviceAccount, { audiences: ['istio-ca'], seconds: 7200 });
  writeFileSync(join(volume, 'token'), token, { mode: 0o600 });
  writeFileSync(join(volume, 'root-cert.pem'), roots);
  return volume;
}

/** As a kubelet fills it in, and DNS. */
function environmentOf(
  { template, configServer }: PodSurroundings,
  name: string,
  { app, version, serviceAccount }: Workload,
  volume: string,
): Record<string, string> {
  const fields: Readonly<Record<string, string>> = {
    ...{ 'metadata.name': name, 'metadata.namespace': namespace, 'status.podIP': hostAddress() },
    ...{ 'spec.nodeName': nodeName, 'spec.serviceAccountName': serviceAccount },
    ...{ "metadata.labels['app']": app, "metadata.labels['version']": version },
  };
  const [{ env }] = template.spec.containers;
  const filled = env.map(({ name, value = '', valueFrom }) => {
    const written = valueFrom === undefined ? value : fields[valueFrom.fieldRef.fieldPath]!;
    const local = written.replace('inmesh.inmesh-system.svc:15012', configServer);
    return [name, local.replace('/var/run/secrets/inmesh', volume)];
  });
  return { ...Object.fromEntries(filled), LISTEN_HOST: hostAddress(), PORT: '0', METRICS_PORT: '0' };
}
