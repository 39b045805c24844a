import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workloads } from '../../../examples/bookinfo/src/demo/topology.js';
import { untilComplete } from '../../../examples/bookinfo/src/demo/until-complete.js';
import type { Product } from '../../../examples/bookinfo/src/services/product.js';
import { constantLoad } from '../../support/load.js';
import { ApiServer } from './api-server.js';
import { BookinfoPod, type PodSurroundings } from './bookinfo-pod.js';
import { makeNamespace, serviceAccountToken } from './cluster-objects.js';
import { installCrds } from './crds.js';
import { type DeployedServer, startDeployed } from './deployed-server.js';
import { findObject, kustomize, templateOf } from './manifests.js';
import { node, serviceAccount } from './objects.js';
import type { ScrapeTarget } from './prometheus.js';
import { type KubernetesObject, listPath, pathOf } from './resource-path.js';
import { waitFor } from './wait-for.js';

const config = join(import.meta.dirname, '../../../examples/bookinfo/config');

export interface Shares {
  readonly v1: number;
  readonly v2: number;
}

/** Who answered a reader of the page. */
export interface Answer {
  readonly version: string;
  /** The pod. */
  readonly podname: string;
}

interface AnnotatedPod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly status: { readonly podIP: string };
}

/** `examples/bookinfo` in a cluster: its configuration by kubectl, its processes as pods, the config server as `k8s/base` deploys it. */
export class Bookinfo {
  readonly #pods = new Map<string, BookinfoPod>();
  #started = 0;
  #routes = 0;

  private constructor(
    readonly server: ApiServer,
    readonly configServer: DeployedServer,
    private readonly around: PodSurroundings,
  ) {}

  /** Resolves when the page is complete. */
  static async start(): Promise<Bookinfo> {
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-bookinfo-k8s-'));
    const server = await ApiServer.start();
    const { api } = server;
    await installCrds(server, 'istio');
    const configServer = await deploy(server, folder);
    await makeNamespace(api, 'default');
    await api.apply(node('node-a', { region: 'north', zone: 'north-1' }));
    await server.kubectl('apply', '--filename', config);
    const around: PodSurroundings = {
      ...{ api, folder, configServer: configServer.addresses.tls!, roots: await rootsOf(server, configServer) },
      template: templateOf(findObject(await kustomize(server, 'app-example'), 'Deployment')),
    };
    const bookinfo = new Bookinfo(server, configServer, around);
    for (const name of new Set(workloads.map((one) => one.serviceAccount))) {
      await api.apply(serviceAccount('default', name));
    }
    await Promise.all(workloads.map(({ name }) => bookinfo.replace(name)));
    await untilComplete(bookinfo.#product, 60_000);
    return bookinfo;
  }

  /** A new pod in the place of the one of this name, when there is one. */
  async replace(name: string, variables: Readonly<Record<string, string>> = {}): Promise<BookinfoPod> {
    const workload = workloads.find((one) => one.name === name)!;
    await this.#pods.get(name)?.remove();
    this.#started += 1;
    const pod = await BookinfoPod.start(this.around, { ...workload, suffix: String(this.#started) }, variables);
    this.#pods.set(name, pod);
    return pod;
  }

  /** The VirtualService of the example, with other weights for everyone and another version for jason; returns the file. */
  writeRoutes({ v1, v2 }: Shares, jason = 'v3'): string {
    const before = readFileSync(join(config, 'virtual-service.yaml'), 'utf8');
    const after = [
      ['subset: v3', `subset: ${jason}`],
      ['weight: 80', `weight: ${v1}`],
      ['weight: 20', `weight: ${v2}`],
    ].reduce((text, [from, to]) => {
      if (text.split(from!).length !== 2) throw new Error(`the example's routes have not one ${from}`);
      return text.replace(from!, to!);
    }, before);
    this.#routes += 1;
    const file = join(this.around.folder, `routes-${this.#routes}.yaml`);
    writeFileSync(file, after);
    return file;
  }

  /** By kubectl, as its users do. */
  async applyRoutes(shares: Shares, jason?: string): Promise<void> {
    await this.server.kubectl('apply', '--filename', this.writeRoutes(shares, jason));
  }

  /** @throws when a part of the page is missing */
  async read(user?: string): Promise<Answer> {
    const headers: Record<string, string> = user === undefined ? {} : { 'end-user': user };
    const response = await fetch(this.#product, { headers });
    const { details, reviews } = (await response.json()) as Product;
    const problem = 'error' in details ? details.error : 'error' in reviews ? reviews.error : undefined;
    if (problem !== undefined) throw new Error(problem);
    const { version, podname } = reviews as Answer;
    return { version, podname };
  }

  /** As a Prometheus finds them: by the annotations of pods. */
  async scrapeTargets(): Promise<ScrapeTarget[]> {
    const { body } = await this.server.api.request<{ items: AnnotatedPod[] }>('GET', listPath('v1', 'Pod', 'default'));
    return body.items.flatMap(({ metadata: { annotations = {} }, status: { podIP } }) => {
      const { 'prometheus.io/scrape': scrape, 'prometheus.io/port': port, 'prometheus.io/path': path } = annotations;
      return scrape === 'true' && path !== undefined ? [{ address: `${podIP}:${port}`, path }] : [];
    });
  }

  /** Four readers, until they are stopped: the versions that they got, and what went wrong. */
  readers() {
    return constantLoad(4, async () => {
      const { version } = await this.read();
      // Other processes of the machine are to have their turn too.
      await new Promise((resolve) => setTimeout(resolve, 5));
      return version;
    });
  }

  get #product(): string {
    return `${this.#pods.get('productpage-v1')!.url}/api/v1/products/0`;
  }

  async close(): Promise<void> {
    for (const pod of this.#pods.values()) await pod.close();
    await this.configServer.close();
    await this.server.close();
    rmSync(this.around.folder, { recursive: true, force: true });
  }
}

/** With the rights of its manifests; clients report to it five times a second. */
async function deploy(server: ApiServer, folder: string): Promise<DeployedServer> {
  const base = await kustomize(server, 'base');
  for (const kind of ['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']) {
    for (const object of base.filter((one) => one.kind === kind)) await server.api.apply(object);
  }
  const token = await serviceAccountToken(server.api, 'inmesh-system', 'inmesh', { seconds: 7200 });
  const webhook = findObject(base, 'ValidatingWebhookConfiguration');
  await server.api.apply(webhook);
  const deployed = await startDeployed(server, token, folder, '--load-report-interval=200ms');
  await judgeObjects(server, webhook, deployed);
  return deployed;
}

/** From here on what the config server says no to is not taken, nor what it does not answer for, as in production. */
async function judgeObjects({ api }: ApiServer, configuration: KubernetesObject, { addresses, log }: DeployedServer) {
  const hasRoots = async () =>
    JSON.stringify((await api.request('GET', pathOf(configuration))).body).includes('caBundle');
  await waitFor('the roots of the webhook', hasRoots, { log });
  // The address of its Service leads nowhere without a network.
  const reached = { clientConfig: { url: `https://${addresses.webhook}/validate` }, failurePolicy: 'Fail' };
  const webhooks = (configuration.webhooks as object[]).map((webhook) => ({ ...webhook, ...reached }));
  await api.apply({ ...configuration, webhooks });
}

async function rootsOf({ api }: ApiServer, { log }: DeployedServer): Promise<string> {
  let roots: string | undefined;
  const path = '/api/v1/namespaces/default/configmaps/inmesh-ca-root-cert';
  const areThere = async () => {
    const { body } = await api.request<{ data?: Record<string, string> }>('GET', path);
    roots = body.data?.['root-cert.pem'];
    return roots !== undefined;
  };
  await waitFor('the roots', areThere, { log });
  return roots!;
}
