import type { Clock, Random, Timer } from '@inmesh/core';
import type { CertificateAuthority } from '../ca/authority.js';
import type { KubernetesClient } from '../kubernetes/client/client.js';
import type { KubernetesObject, ResourceType } from '../kubernetes/client/objects.js';
import { type KubernetesProblem, problemOf } from '../kubernetes/client/problem.js';
import { missingRule } from '../kubernetes/rbac-rule.js';
import { Reflector } from '../kubernetes/reflector/reflector.js';
import type { Logger } from '../logger.js';

export interface RootConfigMapsOptions {
  readonly client: KubernetesClient;
  /** Of the ConfigMap, the same in every namespace. */
  readonly name: string;
  readonly authority: Pick<CertificateAuthority, 'roots' | 'onChange'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly isLeader: () => boolean;
}

interface RootConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string | undefined>>;
}

/** As Istio's `istio-ca-root-cert` has it. */
export const rootKey = 'root-cert.pem';

const namespaces: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};
const configMaps: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
/** Kubernetes' own, where no workload of a mesh runs (Istio leaves them out, too). */
const without = ['kube-system', 'kube-public', 'kube-node-lease'];

const verbs = ['get', 'create', 'patch', 'list', 'watch'];
const retryMs = 10_000;
/** Where changes of others may not be watched, who has made one gets it back after so long. */
const refreshMs = 10 * 60_000;

/**
 * Keeps our roots in a ConfigMap of every namespace, from where pods mount them: before it has a certificate, a workload
 * needs to know whom to ask for one.
 */
export class RootConfigMaps {
  readonly #namespaces: Reflector<KubernetesObject>;
  readonly #written: Reflector<RootConfigMap>;
  readonly #closing = new AbortController();
  readonly #unwatch: () => void;
  readonly #due = new Set<string>();
  #timer: Timer | undefined;
  #worker: Promise<void> | undefined;
  #refreshAt = 0;
  #problem: string | undefined;

  constructor(private readonly options: RootConfigMapsOptions) {
    const { client, clock, random, authority } = options;
    this.#namespaces = new Reflector({
      ...{ client, clock, random, type: namespaces },
      onChange: ({ changed }) => this.#ask(changed.map(({ metadata }) => metadata.name)),
    });
    this.#written = new Reflector<RootConfigMap>({
      ...{ client, clock, random, type: configMaps, fieldSelector: `metadata.name=${options.name}` },
      transform: ({ metadata: { name, namespace }, data }) => ({
        metadata: { name, ...(namespace !== undefined && { namespace }) },
        ...(data && { data: { [rootKey]: data[rootKey] } }),
      }),
      onChange: ({ changed, removed }) => this.#mend([...changed.filter((one) => !this.#isAsWritten(one)), ...removed]),
    });
    this.#unwatch = authority.onChange(() => this.all());
    this.#schedule();
  }

  /** Writes them anew everywhere: a new leader does not know what the old one has left. */
  all(): void {
    this.#refreshAt = this.options.clock.now() + refreshMs;
    this.#ask([...this.#namespaces.store.keys()]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#unwatch();
    this.#timer?.cancel();
    await Promise.all([this.#namespaces.close(), this.#written.close()]);
    await this.#worker;
  }

  #ask(names: readonly string[]): void {
    for (const name of names) this.#due.add(name);
    this.#work();
  }

  /** At the next look, since with another server that writes other roots there it would go on and on. */
  #mend(changed: readonly RootConfigMap[]): void {
    for (const { metadata } of changed) if (metadata.namespace !== undefined) this.#due.add(metadata.namespace);
  }

  #isAsWritten({ data }: RootConfigMap): boolean {
    return data?.[rootKey] === this.#content;
  }

  get #content(): string {
    return this.options.authority.roots.join('');
  }

  #work(): void {
    if (this.#worker !== undefined || this.#closing.signal.aborted || !this.options.isLeader()) return;
    this.#worker = this.#writeAll().finally(() => {
      this.#worker = undefined;
    });
  }

  #schedule(): void {
    this.#timer = this.options.clock.setTimer(retryMs, () => {
      this.#schedule();
      if (this.options.clock.now() >= this.#refreshAt) this.all();
      else this.#work();
    });
  }

  /** One by one; what fails is due again at the next look. */
  async #writeAll(): Promise<void> {
    const failed: string[] = [];
    let problem: string | undefined;
    for (const namespace of this.#due) {
      if (this.#closing.signal.aborted || !this.options.isLeader()) break;
      this.#due.delete(namespace);
      const refusal = this.#wants(namespace) ? await this.#write(namespace) : undefined;
      if (refusal === undefined || !this.#wants(namespace)) continue;
      failed.push(namespace);
      problem ??= this.#describe(refusal, namespace);
    }
    for (const namespace of failed) this.#due.add(namespace);
    this.#say(problem);
  }

  async #write(namespace: string): Promise<KubernetesProblem | undefined> {
    const { client, name } = this.options;
    const labels = { 'app.kubernetes.io/managed-by': 'inmesh' };
    const body = { metadata: { namespace, name, labels }, data: { [rootKey]: this.#content } };
    try {
      const { signal } = this.#closing;
      await client.patch(configMaps, { namespace, name }, { kind: 'apply', body, force: true }, { signal });
      return undefined;
    } catch (error) {
      return problemOf(error);
    }
  }

  #wants(name: string): boolean {
    const namespace = this.#namespaces.store.get(name);
    return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined && !without.includes(name);
  }

  #describe({ kind, message }: KubernetesProblem, namespace: string): string {
    const { name } = this.options;
    if (kind !== 'forbidden') return `${namespace}: ${message}`;
    return `${namespace}: ${missingRule(configMaps, verbs, { name })}`;
  }

  /** An outage lasts for many looks and is told once. */
  #say(problem: string | undefined): void {
    if (problem === this.#problem || this.#closing.signal.aborted) return;
    this.#problem = problem;
    const what = `our roots are not in the ConfigMap ${this.options.name} of each namespace`;
    if (problem !== undefined) this.options.logger.warn(what, { problem });
  }
}
