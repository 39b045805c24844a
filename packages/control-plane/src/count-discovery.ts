import { ResponderBuilder, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from '@grpc/grpc-js';
import { kindOf } from '@inmesh/xds';
import type { DiscoveryRequest, DiscoveryResponse } from '@inmesh/xds/messages';
import type { PushedType, ServerMetrics } from './metrics.js';

/** Counts what goes out to clients and what they refuse. */
export function countDiscovery(metrics: Pick<ServerMetrics, 'countPush' | 'countNack'>): ServerInterceptor {
  const listener = new ServerListenerBuilder()
    .withOnReceiveMessage((request: DiscoveryRequest, next) => {
      if (request.errorDetail !== undefined) metrics.countNack(typeOf(request));
      next(request);
    })
    .build();
  const responder = new ResponderBuilder()
    .withStart((next) => next(listener))
    .withSendMessage((response: DiscoveryResponse, next) => {
      metrics.countPush(typeOf(response));
      next(response);
    })
    .build();
  return (_method, call) => new ServerInterceptingCall(call, responder);
}

/** A client can name any type it likes: those that are not served share one label. */
function typeOf({ typeUrl }: { readonly typeUrl: string }): PushedType {
  return kindOf(typeUrl) ?? 'other';
}
