/** How this process proves who it is, and how it knows the API server. PEM throughout. */
export interface Credentials {
  /** `authorization` and what impersonates. */
  readonly headers: Readonly<Record<string, string>>;
  /** Roots of the API server. Undefined: those of the system. */
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** The name in the API server's certificate, where it is not that of the URL. */
  readonly serverName?: string | undefined;
  readonly skipVerify?: boolean | undefined;
}

/** Where an API server is, and what it is to be told. */
export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path. */
  readonly server: string;
  /** Of objects that name none: the pod's own, or the context's. */
  readonly namespace: string;
  /** For logs: the pod's service account, or a context and its file. */
  readonly description: string;
  /**
   * Asked before each request, since tokens and certificates are changed under way.
   * @throws Error that names the file or the command that is wrong
   */
  credentials(): Promise<Credentials>;
  /** The last ones were refused: the next must not come from memory. */
  forget(): void;
}
