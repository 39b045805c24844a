import type { Interceptor, InterceptorOptions, NextCall } from '@grpc/grpc-js';
import { MeshError } from '@inmesh/core';
import type { AttemptChannel, ChannelSource } from './attempt-channel.js';
import { type CallContext, ClientCall } from './client-call.js';
import type { GrpcCall } from './grpc-call.js';
import type { AttemptCall, MessageContext } from './grpc-js.js';
import { type GrpcTarget, parseTarget } from './target.js';

/**
 * Calls go on to a client's own channel, which picks the endpoint; everything else of the mesh applies.
 * @param target undefined: the client's channel is asked for its own; a call to one that has no host goes by the mesh
 */
export function meshInterceptor(
  shared: Omit<CallContext, 'channels' | 'target'>,
  target: GrpcTarget | undefined,
): Interceptor {
  return (options, nextCall) => {
    const known = target ?? targetOf(options, nextCall);
    if (known === undefined) return new shared.grpc.InterceptingCall(nextCall(options));
    const context = { ...shared, target: known };
    const { path, requestSerialize } = options.method_definition;
    const channels = new OwnChannel(options, nextCall);
    // What is intercepted are messages, not bytes: their size is known when they are serialized.
    const sizeOf = (message: unknown) => requestSerialize(message).length;
    const call = new InterceptedCall({ ...context, channels, sizeOf }, path, deadlineOf(options), options.host);
    return new context.grpc.InterceptingCall(call);
  };
}

/** A call that has not been started says what its channel leads to. */
function targetOf(options: InterceptorOptions, nextCall: NextCall): GrpcTarget | undefined {
  const probe = nextCall(options);
  const target = probe.getPeer().replace(/^ipv[46]:/, '');
  probe.cancelWithStatus(1, 'asked for its channel only');
  try {
    return parseTarget(target, false);
  } catch {
    return undefined;
  }
}

class InterceptedCall extends ClientCall {
  sendMessage(message: Buffer): void {
    this.sendMessageWithContext({}, message);
  }

  override sendMessageWithContext(context: MessageContext, message: Buffer): void {
    try {
      super.sendMessageWithContext(context, message);
    } catch (error) {
      // It was serialized for its size alone; grpc-js, which does it once more, says it in these words.
      this.cancelWithStatus(13, `Request message serialization failure: ${MeshError.from(error).message}`);
    }
  }
}

/** The rest of a client's interceptors and its channel. */
class OwnChannel implements ChannelSource, AttemptChannel {
  readonly reachesEndpoints = false;
  readonly isReady = true;
  readonly heard = 0;
  #authority: string | undefined;

  constructor(
    private readonly options: InterceptorOptions,
    private readonly nextCall: NextCall,
  ) {}

  get({ authority }: GrpcCall): AttemptChannel {
    this.#authority = authority;
    return this;
  }

  /** A host goes on where the caller or a route has set one: else the channel knows its own. */
  createCall(_path: string, deadline: number, host: string): AttemptCall {
    const isOwn = this.options.host === undefined && host === this.#authority;
    return this.nextCall({ ...this.options, deadline, ...(!isOwn && { host }) });
  }

  onReady(): () => void {
    return () => {};
  }

  onHeard(): void {}

  onUnanswered(): void {}

  onCallStarted(): void {}

  onCallEnded(): void {}
}

function deadlineOf({ deadline = Number.POSITIVE_INFINITY }: InterceptorOptions): number {
  return deadline instanceof Date ? deadline.getTime() : deadline;
}
