export interface LoadOptions {
  /** What the names of Services end in; `cluster.local` by default. */
  readonly clusterDomain?: string;
  /** The namespace of objects that name none; `default` by default. */
  readonly defaultNamespace?: string;
}

/** The options with their defaults. */
export type Settings = Required<LoadOptions>;

export function settingsOf({ clusterDomain = 'cluster.local', defaultNamespace = 'default' }: LoadOptions): Settings {
  return { clusterDomain, defaultNamespace };
}
