import type { Clock, Timer } from '@inmesh/core';
import type { CertificateAuthority } from '../ca/authority.js';
import type { KubernetesClient } from '../kubernetes/client/client.js';
import type { KubernetesObject, ResourceType } from '../kubernetes/client/objects.js';
import { problemOf } from '../kubernetes/client/problem.js';
import { missingRule } from '../kubernetes/rbac-rule.js';
import type { Logger } from '../logger.js';

export interface CaBundleKeeperOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'patch'>;
  /** Name of the ValidatingWebhookConfiguration. */
  readonly configuration: string;
  readonly authority: Pick<CertificateAuthority, 'roots' | 'onChange'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of replicas one writes, so that they do not take turns while one of them knows of a new root and another does not yet. */
  readonly isLeader: () => boolean;
}

export const webhookConfigurations: ResourceType = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
};

interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly {
    readonly name: string;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}

const lookEveryMs = 10_000;

/**
 * Keeps our roots in every webhook of a ValidatingWebhookConfiguration, also after somebody has applied it anew, and nothing
 * else of it: what is to happen while no server answers (`failurePolicy`) is for whoever wrote it.
 */
export class CaBundleKeeper {
  readonly #closing = new AbortController();
  readonly #unwatch: () => void;
  #timer: Timer | undefined;
  #problem: string | undefined;
  #last: Promise<void>;

  constructor(private readonly options: CaBundleKeeperOptions) {
    this.#unwatch = options.authority.onChange(() => this.look());
    this.#last = this.#turn();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#unwatch();
    this.#timer?.cancel();
    await this.#last;
  }

  /** At once, and not at the next of its own looks. */
  look(): void {
    this.#last = this.#last.then(() => this.#turn());
  }

  async #turn(): Promise<void> {
    this.#timer?.cancel();
    if (this.#closing.signal.aborted) return;
    if (this.options.isLeader()) await this.#attempt();
    if (!this.#closing.signal.aborted) this.#timer = this.options.clock.setTimer(lookEveryMs, () => this.look());
  }

  async #attempt(): Promise<void> {
    try {
      await this.#keep();
      this.#problem = undefined;
    } catch (error) {
      const problem = problemOf(error);
      if (problem.kind === 'conflict' || this.#closing.signal.aborted) return;
      this.#say(problem.kind === 'forbidden' ? this.#rule() : problem.message);
    }
  }

  async #keep(): Promise<void> {
    const { client, configuration: name, authority, logger } = this.options;
    const { signal } = this.#closing;
    const found = await client.get<WebhookConfiguration>(webhookConfigurations, { name }, signal);
    const caBundle = Buffer.from(authority.roots.join('')).toString('base64');
    const { webhooks = [], metadata } = found;
    const stale = webhooks.flatMap(({ clientConfig }, index) => (clientConfig.caBundle === caBundle ? [] : [index]));
    if (stale.length === 0) return;
    const body = [
      // The places in the list are those of this version.
      { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
      ...stale.map((index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle })),
    ];
    await client.patch(webhookConfigurations, { name }, { kind: 'json', body }, { signal });
    logger.info(`wrote our roots into the ValidatingWebhookConfiguration ${name}`);
  }

  /** An outage lasts for many looks and is told once. */
  #say(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const what = `the ValidatingWebhookConfiguration ${this.options.configuration} does not get our roots`;
    this.options.logger.warn(what, { problem });
  }

  #rule(): string {
    return missingRule(webhookConfigurations, ['get', 'patch'], { name: this.options.configuration });
  }
}
