import { type CertificateSource, MeshError, type TrustSource } from '@inmesh/core';
import type { Identity, IdentitySource } from './identity.js';
import { PemFiles } from './pem-files.js';
import { allAuthorities } from './trust.js';

/** Secrets that the config server sends by name (SDS), as far as they have come. */
export interface SecretSource {
  certificate(name: string): { readonly certificateChain: string; readonly privateKey: string } | undefined;
  /** PEM of all authorities. */
  authorities(name: string): string | undefined;
  /** Why there is no newer one. */
  problem(name: string): string | undefined;
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Finds what the configuration says of certificates and authorities. */
export class TlsMaterial {
  readonly #files = new PemFiles();

  constructor(
    readonly identity: IdentitySource | undefined,
    private readonly secrets: SecretSource | undefined,
  ) {}

  /** @throws MeshError `not_ready`: a connection that is to be mutual TLS is never anything less */
  pair(source: CertificateSource): Pair {
    switch (source.kind) {
      case 'workload': {
        const { certificate } = this.currentIdentity();
        if (certificate === undefined) throw this.#noIdentity('this workload has no certificate');
        return { cert: certificate.certificateChain, key: certificate.privateKey };
      }
      case 'files':
        return fromFiles(() => ({
          cert: this.#files.certificates(source.certificateChain),
          key: this.#files.key(source.privateKey),
        }));
      case 'secret': {
        const secret = this.secrets?.certificate(source.name);
        if (secret === undefined) throw this.#noSecret(source.name);
        return { cert: secret.certificateChain, key: secret.privateKey };
      }
    }
  }

  /** Undefined for those of Node, and never else. @throws MeshError `not_ready` */
  authorities(source: TrustSource): string | undefined {
    switch (source.kind) {
      case 'system':
        return undefined;
      case 'workload': {
        const all = allAuthorities(this.currentIdentity());
        if (all.length === 0) throw notReady('no authority of the mesh is known');
        return all.join('');
      }
      case 'file':
        return fromFiles(() => this.#files.certificates(source.authorities));
      case 'secret': {
        const secret = this.secrets?.authorities(source.name);
        if (secret === undefined || secret === '') throw this.#noSecret(source.name);
        return secret;
      }
      case 'nobody':
        throw notReady(source.reason || 'the authorities that the configuration names are not there');
    }
  }

  #noSecret(name: string): MeshError {
    return new MeshError('not_ready', {
      message: `TLS was asked for, and the secret ${name} has not come: ${this.secrets?.problem(name) ?? 'none of this name is known'}`,
      hint: name.startsWith('kubernetes://') ? secretHint : undefined,
    });
  }

  /** @throws MeshError `not_ready` */
  currentIdentity(): Identity {
    const current = this.identity?.current;
    if (current === undefined) throw this.#noIdentity('this workload has no identity');
    return current;
  }

  /** Who gave an identity is told what is wrong with it, and is not to look elsewhere. */
  #noIdentity(what: string): MeshError {
    const { identity } = this;
    if (identity !== undefined)
      return notReady(`${what}: ${identity.problem ?? 'none has come yet'} (${identity.description})`);
    const hint = 'give createMesh an identity (INMESH_IDENTITY), or set tls.mode DISABLE in the DestinationRule';
    return notReady(what, hint);
  }
}

const secretHint =
  'a Secret of credentialName has to be in the namespace of this workload, or in its configuration folder';

function fromFiles<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw notReady((error as Error).message);
  }
}

function notReady(what: string, hint?: string): MeshError {
  return new MeshError('not_ready', { message: `TLS was asked for, and ${what}`, hint });
}
