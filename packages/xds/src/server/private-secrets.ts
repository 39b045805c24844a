import type { Logger } from '../logger.js';
import type { VersionedResource, VersionedType } from './versioned-snapshot.js';

/** Of a set of certificates and keys, what can be given to everybody. */
interface PublicPart {
  readonly type: VersionedType;
  /** The names of the rest. */
  readonly withheld: readonly string[];
}

const publicParts = new WeakMap<VersionedType, PublicPart>();

/** Names that were logged; the bound is against clients that make names up. */
const maxReported = 100;

/**
 * Keeps private keys on this host where streams are neither encrypted nor authenticated: to clients elsewhere the secrets
 * that have one do not exist.
 */
export class PrivateSecrets {
  readonly #reported = new Set<string>();

  constructor(private readonly logger: Logger) {}

  visibleFrom(peer: string, secrets: VersionedType): VersionedType {
    return isLoopback(peer) ? secrets : publicPartOf(secrets).type;
  }

  /** Says of each secret once that somebody elsewhere wanted it. */
  report(peer: string, nodeId: string | undefined, secrets: VersionedType, wants: (name: string) => boolean): void {
    if (isLoopback(peer)) return;
    for (const name of publicPartOf(secrets).withheld) {
      if (!wants(name) || this.#reported.has(name) || this.#reported.size >= maxReported) continue;
      this.#reported.add(name);
      const message =
        'a private key is not sent: the stream is plain text, so only clients on this host are given keys';
      this.logger.warn(message, { nodeId, peer, name });
    }
  }
}

/** @param peer `address:port`, as gRPC names the other end of a connection */
export function isLoopback(peer: string): boolean {
  return /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1):\d+$/.test(peer);
}

function publicPartOf(secrets: VersionedType): PublicPart {
  let part = publicParts.get(secrets);
  if (part === undefined) {
    const all = [...secrets.resources.values()];
    const resources = new Map(all.filter(isPublic).map((resource) => [resource.name, resource]));
    const withheld = all.filter((resource) => !isPublic(resource)).map(({ name }) => name);
    part = { type: { version: `${secrets.version}+public`, resources }, withheld };
    publicParts.set(secrets, part);
  }
  return part;
}

/** Whom to trust is no secret; everything else may be, also what is not known yet. */
function isPublic({ message }: VersionedResource): boolean {
  return (
    message.$typeName === 'envoy.extensions.transport_sockets.tls.v3.Secret' &&
    message.type.case === 'validationContext'
  );
}
