import { X509Certificate } from 'node:crypto';
import type { TestIdentity } from '../../../../test/support/mesh-authority.js';
import type { Identity, IdentitySource } from '../../src/identity/identity.js';
import { parseIdentity } from '../../src/identity/parse-identity.js';

/** An identity that a test changes at will. */
export class ChangingIdentity implements IdentitySource {
  readonly description = 'a test';
  readonly problem = undefined;
  current: Identity | undefined;
  readonly #listeners = new Set<(identity: Identity) => void>();

  constructor(identity?: TestIdentity) {
    if (identity !== undefined) this.set(identity);
  }

  /** Checked by nothing but itself, so that a test may show what no source would give. */
  set({ chain, key, bundle, spiffeId }: TestIdentity, bundles: Record<string, string> = {}): void {
    const [, trustDomain = ''] = /^spiffe:\/\/([^/]+)/.exec(spiffeId) ?? [];
    const { validFrom, validTo } = new X509Certificate(chain);
    this.current = {
      certificate: {
        certificateChain: chain,
        privateKey: key,
        identity: { spiffeId, trustDomain, namespace: 'default', serviceAccount: '' },
        notBefore: Date.parse(validFrom),
        notAfter: Date.parse(validTo),
      },
      bundles: new Map(Object.entries({ [trustDomain]: bundle, ...bundles }).map(([name, pem]) => [name, [pem]])),
    };
    for (const listener of this.#listeners) listener(this.current);
  }

  onChange(listener: (identity: Identity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {}
  close(): void {}
}

/** As a source would give it. */
export function identityOf({ chain, key, bundle }: TestIdentity): Identity {
  const named = (name: string, text: string) => ({ name, text });
  const texts = { certificate: named('chain', chain), key: named('key', key), authorities: named('bundle', bundle) };
  return parseIdentity(texts, Date.now());
}
