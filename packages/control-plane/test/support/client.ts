import type { Clock, MeshResources } from '@inmesh/core';
import { AdsClient, insecureServer } from '@inmesh/xds/client';

const clock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const silent = { info() {}, warn() {}, error() {} };

/** A client that keeps what it was given. */
export class Client {
  resources: MeshResources | undefined;
  readonly #ads: AdsClient;

  constructor(serverUri: string) {
    this.#ads = new AdsClient({
      servers: [insecureServer(serverUri)],
      node: { id: 'test-client', cluster: 'test', metadata: {} },
      clock,
      random: Math.random,
      logger: silent,
      onResources: (resources) => {
        this.resources = resources;
      },
    });
    this.#ads.start();
  }

  /** `host:port` of every endpoint, sorted. */
  get endpoints(): string[] {
    const assignments = [...(this.resources?.assignments.values() ?? [])];
    return assignments
      .flatMap(({ localities }) => localities.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)))
      .sort();
  }

  close(): void {
    this.#ads.close();
  }
}
