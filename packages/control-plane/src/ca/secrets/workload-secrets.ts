import type { PeerIdentity } from '@inmesh/core';
import { ownCertificate, ownTrust } from '@inmesh/xds';
import { OwnSecrets, type SecretSource, type SecretView } from '@inmesh/xds/server';
import { LeafCycle, type LeafTools } from './leaf-cycle.js';
import { trustSecret } from './secret-messages.js';

/** What the streams of one identity share, as long as one of them wants it. */
interface Shared {
  readonly leaf: LeafCycle;
  secrets: OwnSecrets;
  readonly streams: Set<() => void>;
}

/**
 * What a workload needs for mutual TLS, by SDS: `default`, a key and the certificate of the identity that its stream has proved,
 * and `ROOTCA`, every root that is trusted. Made for those who name it, and forgotten with the last of them.
 */
export class WorkloadSecrets {
  readonly #shared = new Map<string, Shared>();
  /** Of streams that look at the roots. */
  readonly #streams = new Set<() => void>();
  readonly #unwatch: () => void;
  #roots: OwnSecrets;

  constructor(private readonly tools: LeafTools) {
    this.#roots = this.#withTrust();
    this.#unwatch = tools.authority.onChange(() => this.#follow());
  }

  /** How many identities there are certificates for. */
  get size(): number {
    return this.#shared.size;
  }

  /** For a stream that has proved this identity. One that has proved none is told the roots alone. */
  sourceFor(identity: PeerIdentity | undefined): SecretSource {
    return { open: (onChange) => this.#open(identity, onChange) };
  }

  close(): void {
    this.#unwatch();
    for (const { leaf } of this.#shared.values()) leaf.close();
    this.#shared.clear();
    this.#streams.clear();
  }

  #open(identity: PeerIdentity | undefined, onChange: () => void): SecretView {
    let isClosed = false;
    const close = () => {
      isClosed = true;
      this.#streams.delete(onChange);
      if (identity !== undefined) this.#leave(identity, onChange);
    };
    const look = (wants: (name: string) => boolean) => {
      // A request may be read after its stream has ended.
      if (isClosed) return this.#roots;
      if (wants(ownTrust)) this.#streams.add(onChange);
      if (identity === undefined) return this.#roots;
      if (wants(ownCertificate)) return this.#join(identity, onChange);
      this.#leave(identity, onChange);
      return this.#roots;
    };
    return { look, close };
  }

  #join(identity: PeerIdentity, onChange: () => void): OwnSecrets | undefined {
    const shared = this.#shared.get(identity.spiffeId) ?? this.#begin(identity);
    shared.streams.add(onChange);
    return shared.leaf.isAwaited ? undefined : shared.secrets;
  }

  #begin(identity: PeerIdentity): Shared {
    const shared: Shared = {
      leaf: new LeafCycle(identity, this.tools, () => this.#renew(shared)),
      secrets: this.#roots,
      streams: new Set(),
    };
    this.#shared.set(identity.spiffeId, shared);
    return shared;
  }

  #leave({ spiffeId }: PeerIdentity, onChange: () => void): void {
    const shared = this.#shared.get(spiffeId);
    if (shared === undefined || !shared.streams.delete(onChange) || shared.streams.size > 0) return;
    shared.leaf.close();
    this.#shared.delete(spiffeId);
  }

  #renew(shared: Shared): void {
    shared.secrets = this.#withTrust(shared.leaf);
    for (const tell of shared.streams) tell();
  }

  /** Roots first: a leaf of the new one has to be trusted before it is shown. */
  #follow(): void {
    this.#roots = this.#withTrust();
    for (const shared of this.#shared.values()) {
      this.#renew(shared);
      shared.leaf.checkSigner();
    }
    for (const tell of this.#streams) tell();
  }

  #withTrust(leaf?: LeafCycle): OwnSecrets {
    const trust = trustSecret(this.tools.authority.roots);
    return new OwnSecrets(leaf?.secret === undefined ? [trust] : [leaf.secret, trust]);
  }
}
