import { ResponderBuilder, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js';
import { servedKindOf } from '@inmesh/xds';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from '@inmesh/xds/messages';
import type { PushedType, ServerMetrics } from './metrics.js';

type Sent = DiscoveryResponse | DeltaDiscoveryResponse;
type Received = DiscoveryRequest | DeltaDiscoveryRequest;

/** Counts what goes out to clients and what they refuse. */
export function countDiscovery(metrics: Pick<ServerMetrics, 'countPush' | 'countNack'>): ServerInterceptor {
  const listener = new ServerListenerBuilder()
    .withOnReceiveMessage((request: { readonly $typeName: string }, next) => {
      if (isRequest(request) && request.errorDetail !== undefined) metrics.countNack(typeOf(request));
      next(request);
    })
    .build();
  const responder = new ResponderBuilder()
    .withStart((next) => next(listener))
    .withSendMessage((response: { readonly $typeName: string }, next) => {
      if (isResponse(response)) metrics.countPush(typeOf(response));
      next(response);
    })
    .build();
  return (_method, call) => new ServerInterceptingCall(call, responder);
}

function isRequest(message: { readonly $typeName: string }): message is Received {
  return /\.(Delta)?DiscoveryRequest$/.test(message.$typeName);
}

function isResponse(message: { readonly $typeName: string }): message is Sent {
  return /\.(Delta)?DiscoveryResponse$/.test(message.$typeName);
}

/** A client can name any type it likes: those that are not served share one label. */
function typeOf({ typeUrl }: { readonly typeUrl: string }): PushedType {
  return servedKindOf(typeUrl) ?? 'other';
}
