/** How much time the sender of a request leaves, in whole ms (Envoy router_filter.rst). */
export const expectedTimeoutHeader = 'x-envoy-expected-rq-timeout-ms';
/** What a client asks of its proxy; a service that gets it is bound by it all the same. */
export const upstreamTimeoutHeader = 'x-envoy-upstream-rq-timeout-ms';
export const grpcTimeoutHeader = 'grpc-timeout';
