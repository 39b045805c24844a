import type { Secret } from '../messages.js';
import { OnDemand } from './on-demand.js';
import { type VersionedType, versionSecret } from './versioned-snapshot.js';

/** Makes what is in no snapshot: the certificate of whoever is at the other end of one stream. */
export interface SecretSource {
  /** For one stream. `onChange` says that a look would show something else; it must not look at once. */
  open(onChange: () => void): SecretView;
}

export interface SecretView {
  /**
   * What there is now; the same object as long as nothing changes. Undefined while something that is wanted is being made for
   * the first time: the client is not told of any secret until then, since Envoy takes an absent one for an answer.
   */
  look(wants: (name: string) => boolean): OwnSecrets | undefined;
  /** The stream has ended. */
  close(): void;
}

/** Secrets beside those of a snapshot. */
export class OwnSecrets {
  readonly #made: OnDemand;
  readonly #over = new WeakMap<VersionedType, VersionedType>();
  readonly #version: string;

  constructor(messages: readonly Secret[]) {
    const byName = new Map(messages.map((message) => [message.name, versionSecret(message)]));
    this.#made = new OnDemand((name) => byName.get(name));
    this.#version = [...byName.values()].map(({ version }) => version).join('+');
  }

  /** Those of a snapshot, and these. */
  over(listed: VersionedType): VersionedType {
    let both = this.#over.get(listed);
    if (both === undefined) {
      const { version, resources } = listed;
      both = { version: `${version}+${this.#version}`, resources, onDemand: this.#made };
      this.#over.set(listed, both);
    }
    return both;
  }
}
