import { type StatusObject, status } from '@grpc/grpc-js';

/** How a stream that delivers identities has ended. */
export type IdentityStreamEnd =
  /** Worth another try. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** Whoever asked has no identity, or has it no more. Worth another try, later. */
  | { readonly kind: 'denied'; readonly reason: string }
  /** The request itself is refused: it would be again. */
  | { readonly kind: 'rejected'; readonly reason: string };

export interface IdentityStreamHandlers<Message> {
  /** Returns why it is not taken; undefined: it is. What `read` throws is such a reason. */
  onMessage(read: () => Message): string | undefined;
  /** Once, and nothing after it. */
  onEnd(end: IdentityStreamEnd): void;
}

/** A stream that has been begun; its handlers are never called before it is returned. */
export interface IdentityStream {
  /** Ends it without a word to the handlers. */
  close(): void;
}

/** By SPIFFE_Workload_Endpoint.md 6. */
export function workloadApiEnd({ code, details }: StatusObject): IdentityStreamEnd {
  if (code === status.OK) return { kind: 'lost', reason: 'the server ended the stream' };
  const reason = `${status[code]}: ${details}`;
  if (code === status.PERMISSION_DENIED) return { kind: 'denied', reason };
  const isOurs = code === status.INVALID_ARGUMENT || code === status.UNIMPLEMENTED;
  return { kind: isOurs ? 'rejected' : 'lost', reason };
}
