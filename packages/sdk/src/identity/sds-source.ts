import type { Clock, Random } from '@inmesh/core';
import type { ReceivedSecrets } from '@inmesh/xds/client';
import type { Logger } from '../logger.js';
import type { TokenLocation } from './authority-location.js';
import { openWaitMs } from './first-answer.js';
import type { IdentitySource } from './identity.js';
import { readToken } from './read-token.js';
import { readRegularFileSync } from './regular-file.js';
import { readSecretIdentity } from './sds-identity.js';
import { StreamIdentity } from './stream-identity.js';

/** A server of secrets (SDS): an istio-agent or a SPIRE agent by its socket, or inmesh's config server by TLS. */
export interface SecretsLocation {
  /** `unix:/path`, or `host:port`, which is TLS. */
  readonly sds: string;
  /** A file with the PEM of the roots of `host:port`. */
  readonly roots?: string;
  /** Shown to `host:port`. */
  readonly token?: TokenLocation;
  /** Of the two secrets. Default: `default` and `ROOTCA`; the authorities of a SPIRE agent may be `ALL`. */
  readonly names?: { readonly certificate?: string; readonly authorities?: string };
}

/** Where an istio-agent has its socket. */
export const istioSocket = '/var/run/secrets/workload-spiffe-uds/socket';

/** An identity that has been asked for once. */
export async function openSecrets(
  { sds, roots, token, names: { certificate = 'default', authorities = 'ROOTCA' } = {} }: SecretsLocation,
  options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    /** Servers of xDS insist on one; who asks is proved otherwise. */
    readonly nodeId: string;
  },
): Promise<IdentitySource> {
  const description = `SDS ${sds}`;
  const node = { id: options.nodeId, cluster: '', metadata: {} };
  // The messages take a while to load, so only who needs them does.
  const { streamSecrets } = await import('@inmesh/xds/client');
  const server = () => ({
    ...{ target: sds, names: [certificate, authorities], node },
    ...(roots !== undefined && { tls: { roots: readRegularFileSync(roots), token: readToken(token) } }),
  });
  const source = new StreamIdentity<ReceivedSecrets>({
    ...options,
    description,
    open: (handlers) => streamSecrets(server, handlers),
    read: (secrets, now) => readSecretIdentity(secrets, { certificate, authorities, source: description }, now),
  });
  await source.open(openWaitMs);
  return source;
}
