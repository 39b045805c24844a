import { Client, type ClientView } from './client.js';

export interface LoadOptions {
  /** What the names of Services end in; `cluster.local` by default. */
  readonly clusterDomain?: string;
  /** The namespace of objects that name none; `default` by default. */
  readonly defaultNamespace?: string;
  /** Who the result is for; by default a client of `defaultNamespace` of which nothing else is known. */
  readonly client?: ClientView;
}

/** The options with their defaults. */
export interface Settings {
  readonly clusterDomain: string;
  readonly defaultNamespace: string;
  readonly client: Client;
}

export function settingsOf({
  clusterDomain = 'cluster.local',
  defaultNamespace = 'default',
  client = { namespace: defaultNamespace },
}: LoadOptions): Settings {
  return { clusterDomain, defaultNamespace, client: new Client(client) };
}
