import {
  Call,
  type CallInit,
  LocalReply,
  type LocalResponse,
  type MeshError,
  type PeerIdentity,
  type Reply,
  type VerifiedToken,
} from '@inmesh/core';

/** What ends with the request that it serves. */
export interface Child {
  cancel(reason: MeshError): void;
}

/** A request that a handler of this process is answering; every call the handler makes is its child. */
export class InboundCall extends Call {
  readonly protocol: 'http' | 'grpc';
  readonly #children = new Set<Child>();

  constructor(init: CallInit & { protocol: 'http' | 'grpc' }) {
    super(init);
    this.protocol = init.protocol;
  }

  /** With `jwt`, what `mesh.caller()` tells of a call. */
  get peer(): PeerIdentity | undefined {
    return this.connection?.peer;
  }

  get jwt(): VerifiedToken | undefined {
    return this.token;
  }

  canReplay(): boolean {
    return false;
  }

  shadow(): undefined {
    return undefined;
  }

  /** Where nobody waits for it; an adapter's call writes it to the client. */
  respond(response: LocalResponse): Reply {
    return new LocalReply(response, () => {});
  }

  /** A call of the handler failed although it was retried: the client is told not to retry the whole. */
  spendRetries(): void {
    this.retriesSpent = true;
  }

  adopt(child: Child): void {
    this.#children.add(child);
  }

  release(child: Child): void {
    this.#children.delete(child);
  }

  /** Ends this call and every call that its handler still has under way. */
  override cancel(reason: MeshError): void {
    super.cancel(reason);
    for (const child of this.#children) child.cancel(reason);
  }
}
