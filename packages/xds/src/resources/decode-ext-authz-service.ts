import type { ExternalAuthorization } from '@inmesh/core';
import type { ExtAuthz, GrpcService, HttpService } from '../messages.js';
import { decodeHeaderNames } from './decode-header-names.js';
import { decodePositiveDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Envoy's default (ext_authz config.cc). */
const defaultTimeoutMs = 200;

/** Whom to ask, and which headers go there and come back. */
export type DecodedService = Pick<
  ExternalAuthorization,
  | 'service'
  | 'timeoutMs'
  | 'includedRequestHeaders'
  | 'headersToUpstreamOnAllow'
  | 'headersToDownstreamOnDeny'
  | 'headersToDownstreamOnAllow'
>;

export function decodeAuthorizationService({ services }: ExtAuthz, at: FieldScope): DecodedService | undefined {
  switch (services.case) {
    case 'grpcService':
      return decodeGrpc(services.value, at.field('grpc_service'));
    case 'httpService':
      return decodeHttp(services.value, at.field('http_service'));
    case undefined:
      return at.error('asks nobody: either "grpc_service" or "http_service" is needed');
  }
}

/** What a gRPC service says to write is written: its answer names each header. */
function decodeGrpc(message: GrpcService, at: FieldScope): DecodedService | undefined {
  reportUnsupported(message, at);
  const { targetSpecifier: target } = message;
  const scope = at.field('envoy_grpc');
  if (target.case !== 'envoyGrpc') return scope.error('is missing');
  reportUnsupported(target.value, scope);
  const cluster = target.value.clusterName;
  if (cluster === '') scope.field('cluster_name').error('must not be empty');
  return {
    service: { kind: 'grpc', cluster },
    timeoutMs: decodePositiveDuration(message.timeout, defaultTimeoutMs, at.field('timeout')),
    includedRequestHeaders: [],
    headersToUpstreamOnAllow: [],
    headersToDownstreamOnDeny: [],
    headersToDownstreamOnAllow: [],
  };
}

function decodeHttp(message: HttpService, at: FieldScope): DecodedService | undefined {
  reportUnsupported(message, at);
  const { serverUri, authorizationRequest: request, authorizationResponse: response, pathPrefix } = message;
  const scope = at.field('server_uri');
  if (serverUri === undefined) return scope.error('is missing');
  reportUnsupported(serverUri, scope);
  const cluster = serverUri.httpUpstreamType.value ?? '';
  if (cluster === '') scope.field('cluster').error('must not be empty');
  if (pathPrefix !== '' && !pathPrefix.startsWith('/')) at.field('path_prefix').error('must begin with "/"');
  const asked = at.field('authorization_request');
  if (request !== undefined) reportUnsupported(request, asked);
  const answered = at.field('authorization_response');
  if (response !== undefined) reportUnsupported(response, answered);
  return {
    service: { kind: 'http', cluster, pathPrefix },
    timeoutMs: decodePositiveDuration(serverUri.timeout, defaultTimeoutMs, scope.field('timeout')),
    includedRequestHeaders: decodeHeaderNames(request?.allowedHeaders, asked.field('allowed_headers')),
    headersToUpstreamOnAllow: decodeHeaderNames(
      response?.allowedUpstreamHeaders,
      answered.field('allowed_upstream_headers'),
    ),
    headersToDownstreamOnDeny: decodeHeaderNames(
      response?.allowedClientHeaders,
      answered.field('allowed_client_headers'),
    ),
    headersToDownstreamOnAllow: decodeHeaderNames(
      response?.allowedClientHeadersOnSuccess,
      answered.field('allowed_client_headers_on_success'),
    ),
  };
}
