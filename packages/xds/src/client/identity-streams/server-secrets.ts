import type { Logger } from '../../logger.js';
import { credentialsReader } from '../bootstrap/channel-credentials.js';
import type { NodeIdentity } from '../node.js';
import type { ClientIdentity, XdsServerConfig } from '../server-config.js';
import { type ReceivedSecrets, streamSecrets } from './secrets.js';
import type { IdentityStream, IdentityStreamHandlers } from './stream-end.js';

export interface ServerSecretsOptions {
  /** The config server: it is asked on a connection of its own, protected as that for configuration is. */
  readonly server: XdsServerConfig;
  readonly names: readonly string[];
  readonly node: NodeIdentity;
  readonly logger: Logger;
  /** For servers of `tls://`. */
  readonly identity?: (() => ClientIdentity | undefined) | undefined;
}

/** Secrets that a configuration names, of the server that has sent it. */
export function streamServerSecrets(
  { server, names, node, logger, identity }: ServerSecretsOptions,
  handlers: IdentityStreamHandlers<ReceivedSecrets>,
): IdentityStream {
  const credentials = credentialsReader(server.credentials, logger, identity);
  return streamSecrets(() => ({ target: server.serverUri, credentials, names, node }), handlers);
}
