import {
  type ClientTraits,
  type ClientView,
  clientKey,
  formatIssue,
  type LoadedConfig,
  type SelectingPolicy,
  unlabelledProblem,
} from '@inmesh/config';
import type { Node } from '@inmesh/xds/messages';
import { SnapshotCache, type SnapshotSource, type VersionedSnapshot, versionSnapshot } from '@inmesh/xds/server';
import { checkSnapshot } from './consistency.js';
import type { Logger } from './logger.js';
import { clientOf } from './node-client.js';

/** A configuration as other clients than the default one see it. */
export interface PerClient {
  /** What the default client was asked. */
  readonly traits: ClientTraits;
  readonly selecting?: readonly SelectingPolicy[];
  load(client: ClientView): LoadedConfig;
}

interface View {
  /** Undefined when it cannot be used. */
  readonly snapshot: VersionedSnapshot | undefined;
  readonly of: PerClient;
}

/** Every view is made again when it is asked for; the bound is against clients that make up labels. */
const maxViews = 1000;

const noSecrets = { version: '', resources: new Map() };

/**
 * One snapshot for all clients while nothing tells them apart, else one for each kind of client, made when the first of them
 * asks. After a change all of them are of the new configuration.
 */
export class ClientViews implements SnapshotSource {
  readonly #default = new SnapshotCache();
  readonly #watchers = new Set<() => void>();
  readonly #clients = new WeakMap<Node, ClientView>();
  readonly #views = new Map<string, View>();
  /** What each was given last, since a broken view replaces nothing. */
  readonly #lastGood = new WeakMap<Node, VersionedSnapshot>();
  /** IDs of nodes that were told that they name no labels. */
  readonly #unlabelled = new Set<string>();
  #perClient: PerClient | undefined;
  /** All that any client was asked of this configuration. */
  #traits: ClientTraits = nothingAsked();

  constructor(private readonly options: { defaultClient: ClientView; logger: Logger }) {}

  /** What a client is given of which nothing is known. */
  get current(): VersionedSnapshot | undefined {
    return this.#default.current;
  }

  /** Without `perClient` all clients are given the same. */
  setVersioned(snapshot: VersionedSnapshot, perClient?: PerClient): void {
    this.#default.setVersioned(snapshot);
    this.#perClient = perClient;
    this.#traits = nothingAsked();
    if (perClient !== undefined) this.#learn(perClient.traits);
    this.#notify();
  }

  snapshotFor(node: Node | undefined): VersionedSnapshot | undefined {
    if (node === undefined || this.#perClient === undefined) return this.current;
    const client = this.#clientOf(node);
    this.#tellUnlabelled(node, client, this.#perClient);
    const snapshot = this.#viewOf(client, this.#perClient);
    if (snapshot === undefined) return this.#lastGood.get(node) ?? this.#standIn(client);
    this.#lastGood.set(node, snapshot);
    return snapshot;
  }

  /** Once for each process: nothing else would show that policies pass it by. */
  #tellUnlabelled({ id }: Node, client: ClientView, { selecting = [] }: PerClient): void {
    if (selecting.length === 0 || this.#unlabelled.has(id)) return;
    const problem = unlabelledProblem(selecting, client);
    if (problem === undefined) return;
    if (this.#unlabelled.size >= maxViews) this.#unlabelled.clear();
    this.#unlabelled.add(id);
    this.options.logger.warn(problem, { node: id });
  }

  #viewOf(client: ClientView, of: PerClient): VersionedSnapshot | undefined {
    const key = clientKey(client, this.#traits);
    if (key === clientKey(this.options.defaultClient, this.#traits)) return this.current;
    const known = this.#views.get(key);
    return (known?.of === of ? known : this.#make(client, key, of)).snapshot;
  }

  /** For who never had a view of its own. What is for the SDK, others would refuse or, worse, misread. */
  #standIn({ kind = 'inmesh' }: ClientView): VersionedSnapshot | undefined {
    return kind === 'inmesh' ? this.#withoutSecrets() : undefined;
  }

  /** The secrets of the default client are for its own namespace. */
  #withoutSecrets(): VersionedSnapshot | undefined {
    const { current } = this;
    return current === undefined || current.secret.resources.size === 0 ? current : { ...current, secret: noSecrets };
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #clientOf(node: Node): ClientView {
    const known = this.#clients.get(node);
    if (known !== undefined) return known;
    const client = clientOf(node, this.options.defaultClient.namespace);
    this.#clients.set(node, client);
    return client;
  }

  #make(client: ClientView, key: string, of: PerClient): View {
    const { snapshot, asked } = this.#build(client, key, of);
    const view = { snapshot, of };
    // A client may be asked more than those before it: then it is one of a narrower kind.
    const grown = this.#learn(asked);
    const ownKey = grown ? clientKey(client, this.#traits) : key;
    this.#views.delete(ownKey);
    this.#views.set(ownKey, view);
    this.#forgetOld(of);
    if (grown) queueMicrotask(() => this.#notify());
    return view;
  }

  /** What is thrown would end the process, and with it the streams of all other clients. */
  #build(client: ClientView, key: string, of: PerClient): Pick<View, 'snapshot'> & { asked: ClientTraits } {
    try {
      const config = of.load(client);
      return { snapshot: this.#versioned(config, client, key), asked: config.client };
    } catch (error) {
      return { snapshot: this.#refuse(key, [(error as Error).message]), asked: nothingAsked() };
    }
  }

  #versioned(config: LoadedConfig, client: ClientView, key: string): VersionedSnapshot | undefined {
    // What is the same for the default client is shared with it.
    const snapshot = versionSnapshot(config.resources, this.#views.get(key)?.snapshot ?? this.current);
    const problems = problemsOf(config, snapshot, client);
    return problems.length > 0 ? this.#refuse(key, problems) : snapshot;
  }

  #refuse(key: string, problems: readonly string[]): undefined {
    this.options.logger.error('clients of one kind keep what they had', { client: key, problems });
  }

  #forgetOld(of: PerClient): void {
    for (const [key, view] of this.#views) {
      if (view.of !== of && this.#views.size > maxViews / 2) this.#views.delete(key);
    }
    for (const key of this.#views.keys()) {
      if (this.#views.size <= maxViews) return;
      this.#views.delete(key);
    }
  }

  /** Whether there was something new in it. */
  #learn({ namespace, labels, locality, nodeName }: ClientTraits): boolean {
    const before = this.#traits;
    this.#traits = {
      namespace: before.namespace || namespace,
      labels: new Set([...before.labels, ...labels]),
      locality: before.locality || locality,
      nodeName: before.nodeName || nodeName,
    };
    const count = (traits: ClientTraits) =>
      [traits.namespace, traits.locality, traits.nodeName].filter(Boolean).length + traits.labels.size;
    return count(this.#traits) > count(before);
  }
}

/** What is wrong for this client and not for the default one. What is for others than the SDK, it need not be able to read. */
function problemsOf({ issues }: LoadedConfig, snapshot: VersionedSnapshot, { kind }: ClientView): string[] {
  const errors = issues.filter(({ severity }) => severity === 'error').map(formatIssue);
  return errors.length > 0 || (kind ?? 'inmesh') !== 'inmesh' ? errors : checkSnapshot(snapshot).problems;
}

function nothingAsked(): ClientTraits {
  return { namespace: false, labels: new Set(), locality: false, nodeName: false };
}
