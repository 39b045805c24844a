import type { JsonObject } from '@bufbuild/protobuf';
import { serverOf, type XdsServerConfig } from '../server-config.js';

/** A gRPC bootstrap (gRFC A27, A47), as it was checked. */
export interface Bootstrap {
  /** In the order in which they are tried (gRFC A71); never empty. */
  readonly servers: readonly XdsServerConfig[];
  readonly node: BootstrapNode;
  readonly authorities: ReadonlyMap<string, BootstrapAuthority>;
  /** `%s` stands for the host that is called. Undefined: the name of a listener is the host. */
  readonly clientListenerTemplate: string | undefined;
  /** `%s` stands for the address that is listened on. */
  readonly serverListenerTemplate: string | undefined;
  readonly certificateProviders: ReadonlyMap<string, CertificateProviderConfig>;
}

/** What of the node the bootstrap says; the rest is the client's own. */
export interface BootstrapNode {
  readonly id?: string;
  readonly cluster?: string;
  readonly locality?: { readonly region: string; readonly zone: string; readonly subZone: string };
  readonly metadata: JsonObject;
}

export interface BootstrapAuthority {
  /** Begins with `xdstp://AUTHORITY/`; `%s` stands for the host that is called, percent-encoded. */
  readonly clientListenerTemplate: string;
  /** Never empty: the servers of the bootstrap itself where the authority names none. */
  readonly servers: readonly XdsServerConfig[];
}

/** An instance of a certificate provider (gRFC A29). */
export type CertificateProviderConfig =
  | {
      readonly plugin: 'file_watcher';
      readonly certificateFile: string | undefined;
      readonly privateKeyFile: string | undefined;
      readonly caCertificateFile: string | undefined;
      readonly refreshIntervalMs: number;
    }
  /** Nothing here can make use of it; it is an error only where a resource names it. */
  | { readonly plugin: 'unknown'; readonly name: string };

/** Servers without a bootstrap, `host:port` or `tls://host:port`, in the order in which they are tried. */
export function bootstrapOf(addresses: readonly string[]): Bootstrap {
  return {
    servers: addresses.map(serverOf),
    node: { metadata: {} },
    authorities: new Map(),
    clientListenerTemplate: undefined,
    serverListenerTemplate: undefined,
    certificateProviders: new Map(),
  };
}
