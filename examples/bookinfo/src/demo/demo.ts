import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMesh, type Mesh } from 'inmesh';
import { ConfigServer } from './config-server.js';
import { everyone, jason, Load } from './load.js';
import { Scraper } from './scraper.js';
import { Service } from './service.js';
import { SupervisedProcess } from './supervised-process.js';
import { renderTable } from './table.js';
import { productpage, workloads } from './topology.js';
import { untilComplete } from './until-complete.js';

const startWithinMs = 60_000;

export interface DemoOptions {
  /** YAML for people to edit. */
  readonly configFolder: string;
  /** 0 for a free one. */
  readonly pagePort: number;
  say(line: string): void;
}

export interface Started {
  /** Where the page is. */
  readonly url: string;
  /** Where the config server is. */
  readonly xds: string;
}

/** A config server, the processes of the shop, and a little load. */
export class Demo {
  readonly #endpointFolder = mkdtempSync(join(tmpdir(), 'inmesh-bookinfo-'));
  readonly #configServer: ConfigServer;
  readonly #services: readonly Service[];
  readonly #processes: readonly SupervisedProcess[];
  readonly #load = new Load();
  readonly #scraper = new Scraper();
  #observer: Mesh | undefined;
  #ending = false;

  constructor({ configFolder, pagePort, say }: DemoOptions) {
    this.#configServer = new ConfigServer([configFolder, this.#endpointFolder]);
    this.#services = workloads.map(
      (workload) =>
        new Service(workload, {
          folder: this.#endpointFolder,
          xds: () => this.#configServer.address,
          ...(workload === productpage && { port: pagePort }),
        }),
    );
    this.#processes = [this.#configServer, ...this.#services].map((role) => new SupervisedProcess(role, say));
  }

  get ending(): boolean {
    return this.#ending;
  }

  /** Starts everything, and waits until the page is complete. */
  async start(): Promise<Started> {
    const [configServer, ...services] = this.#processes;
    await Promise.all(this.#services.map((service) => service.down())); // Known, and not there yet.
    await configServer!.start();
    await Promise.all(services.map((service) => service.start()));
    // The demo is a member of the mesh itself: so it can say where a request would go.
    this.#observer = await createMesh({ xds: this.#configServer.address, namespace: 'default' });
    const { url } = this.#services.find(({ workload }) => workload === productpage)!;
    const product = `${url}/api/v1/products/0`;
    await untilComplete(product, startWithinMs);
    await this.#scrape(); // Rates are counted from here on.
    this.#load.start(product);
    return { url: url!, xds: this.#configServer.address };
  }

  /** What the load and the callers' metrics say of the last seconds. */
  async table(): Promise<string[]> {
    await this.#scrape();
    const routes = [everyone, jason].map((caller) => ({
      caller,
      explanation: this.#observer!.explain({ url: 'http://reviews:9080/reviews/0', headers: caller.headers }),
      seen: this.#load.seenBy(caller),
    }));
    const called = this.#services.filter(({ workload }) => workload !== productpage);
    return renderTable(
      routes,
      called.map(({ name, port }) => ({ name, port, rates: this.#scraper.ratesOf(name) })),
    );
  }

  /** Lets everything end by itself. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.#load.stop();
    await Promise.all(this.#processes.map((one) => one.stop()));
    await this.#observer?.close();
  }

  /** Leaves nothing behind, at once. */
  kill(): void {
    for (const one of this.#processes) one.kill();
    rmSync(this.#endpointFolder, { recursive: true, force: true });
  }

  #scrape(): Promise<void> {
    const callers = this.#services.filter(({ workload }) => ['productpage', 'reviews'].includes(workload.app));
    return this.#scraper.scrape(callers.flatMap(({ url }) => (url === undefined ? [] : [`${url}/metrics`])));
  }
}
