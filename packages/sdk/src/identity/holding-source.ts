import { HeldIdentity, type HeldIdentityOptions } from './held-identity.js';
import type { Identity, IdentitySource } from './identity.js';

/** A source that keeps what it was last given. */
export abstract class HoldingSource implements IdentitySource {
  protected readonly held: HeldIdentity;

  constructor(
    readonly description: string,
    /** Until it has been given something. */
    firstProblem: string,
    options: HeldIdentityOptions,
  ) {
    this.held = new HeldIdentity(description, firstProblem, options);
  }

  get current(): Identity | undefined {
    return this.held.current;
  }

  get problem(): string | undefined {
    return this.held.problem;
  }

  onChange(listener: (identity: Identity) => void): () => void {
    return this.held.onChange(listener);
  }

  abstract start(): void;

  abstract close(): void;
}
