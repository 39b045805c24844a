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
import { LastViews } from './last-views.js';
import type { Logger } from './logger.js';
import { clientOf } from './node-client.js';

/** A configuration as other clients than the default one see it. */
export interface PerClient {
  /** What the default client was asked. */
  readonly traits: ClientTraits;
  readonly selecting?: readonly SelectingPolicy[];
  load(client: ClientView): LoadedConfig;
}

/** What a kind of clients is not given of the configuration. */
export interface RefusedView {
  /** What tells them apart from others. */
  readonly client: string;
  readonly problems: readonly string[];
  /** Whether they are given what was right before; else they are sent nothing, and wait. */
  readonly hasEarlier: boolean;
}

type View =
  | { readonly snapshot: VersionedSnapshot }
  | { readonly snapshot: undefined; readonly client: ClientView; readonly problems: readonly string[] };

/** Every view is made again when it is asked for; the bound is against clients that make up labels. */
const maxViews = 1000;

/**
 * One snapshot for all clients while nothing tells them apart, else one for each kind of client, made when the first of them
 * asks. After a change all of them are of the new configuration. Nobody is ever given what was made for another kind: the
 * policies of its own workload would be missing. One whose view cannot be used keeps the last that could, or is sent nothing.
 */
export class ClientViews implements SnapshotSource {
  readonly #default = new SnapshotCache();
  readonly #watchers = new Set<() => void>();
  readonly #clients = new WeakMap<Node, ClientView>();
  /** Of the newest configuration. */
  readonly #views = new Map<string, View>();
  readonly #last = new LastViews(maxViews);
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
    this.#views.clear();
    if (perClient !== undefined) this.#learn(perClient.traits);
    this.#last.keep(this.options.defaultClient, this.#traits, snapshot);
    this.#notify();
  }

  snapshotFor(node: Node | undefined): VersionedSnapshot | undefined {
    if (node === undefined || this.#perClient === undefined) return this.current;
    const client = this.#clientOf(node);
    this.#tellUnlabelled(node, client, this.#perClient);
    return this.#viewOf(client, this.#perClient) ?? this.#last.find(client);
  }

  /** Those that have been asked for. */
  refused(): readonly RefusedView[] {
    return [...this.#views].flatMap(([key, view]) => {
      if (view.snapshot !== undefined) return [];
      return { client: key, problems: view.problems, hasEarlier: this.#last.find(view.client) !== undefined };
    });
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
    return (this.#views.get(key) ?? this.#make(client, key, of)).snapshot;
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
    const { view, asked } = this.#build(client, of);
    // A client may be asked more than those before it: then it is one of a narrower kind.
    const grown = this.#learn(asked);
    const ownKey = grown ? clientKey(client, this.#traits) : key;
    this.#views.set(ownKey, view);
    this.#forgetOld();
    if (view.snapshot !== undefined) this.#last.keep(client, this.#traits, view.snapshot);
    else this.#sayRefused(client, ownKey, view.problems);
    if (grown) queueMicrotask(() => this.#notify());
    return view;
  }

  /** What is thrown would end the process, and with it the streams of all other clients. */
  #build(client: ClientView, of: PerClient): { view: View; asked: ClientTraits } {
    try {
      const config = of.load(client);
      return { view: this.#versioned(config, client), asked: config.client };
    } catch (error) {
      const view = { snapshot: undefined, client, problems: [(error as Error).message] };
      return { view, asked: nothingAsked() };
    }
  }

  #versioned(config: LoadedConfig, client: ClientView): View {
    // What is the same for the default client is shared with it.
    const snapshot = versionSnapshot(config.resources, this.#last.find(client) ?? this.current);
    const problems = problemsOf(config, snapshot, client);
    return problems.length > 0 ? { snapshot: undefined, client, problems } : { snapshot };
  }

  #sayRefused(client: ClientView, key: string, problems: readonly string[]): void {
    const hasEarlier = this.#last.find(client) !== undefined;
    const message = hasEarlier
      ? 'clients of one kind keep what they had'
      : 'clients of one kind are sent nothing: there is no configuration that they could use';
    this.options.logger.error(message, { client: key, problems });
  }

  #forgetOld(): void {
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
