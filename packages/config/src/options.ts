import { Client, type ClientView } from './client.js';
import { Memory } from './memory.js';

export interface LoadOptions {
  /** What the names of Services end in; `cluster.local` by default. */
  readonly clusterDomain?: string;
  /** The namespace of objects that name none; `default` by default. */
  readonly defaultNamespace?: string;
  /** Where the policies of the whole mesh stand; `istio-system` by default. */
  readonly rootNamespace?: string;
  /** Of the identities of workloads; `cluster.local` by default. */
  readonly trustDomain?: string;
  /** Who the result is for; by default a client of `defaultNamespace` of which nothing else is known. */
  readonly client?: ClientView;
  /** Wall clock, in ms, to tell certificates that have expired; `Date.now` by default. */
  readonly now?: () => number;
}

/** The options with their defaults. */
export interface Settings {
  readonly clusterDomain: string;
  readonly defaultNamespace: string;
  readonly rootNamespace: string;
  readonly trustDomain: string;
  readonly client: Client;
  readonly now: () => number;
  /** Of what was made by the same options, but for the client. */
  readonly memory: Memory;
}

export function settingsOf(options: LoadOptions, memory = new Memory()): Settings {
  const { clusterDomain = 'cluster.local', defaultNamespace = fallbackNamespace, now = Date.now } = options;
  const { rootNamespace = 'istio-system', trustDomain = 'cluster.local' } = options;
  const client = new Client(defaultClientOf(options), memory);
  return { clusterDomain, defaultNamespace, rootNamespace, trustDomain, client, now, memory };
}

const fallbackNamespace = 'default';

/** Who the result is for where nobody else is named. */
export function defaultClientOf({ client, defaultNamespace = fallbackNamespace }: LoadOptions): ClientView {
  return client ?? { namespace: defaultNamespace };
}
