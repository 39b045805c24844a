import { createRegistry } from '@bufbuild/protobuf';
import {
  ClusterHttpProtocolOptionsSchema,
  CorsSchema,
  FileAccessLogSchema,
  FilterConfigSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  HttpCorsPolicySchema,
  HttpRBACSchema,
  JwtAuthenticationSchema,
  LeastRequestSchema,
  LocalRateLimitSchema,
  MaglevSchema,
  OmitCanaryHostsPredicateSchema,
  OmitHostMetadataConfigSchema,
  PreviousHostsPredicateSchema,
  RandomSchema,
  RawBufferSchema,
  RBACPerRouteSchema,
  RingHashSchema,
  RoundRobinSchema,
  RouterSchema,
  StdoutAccessLogSchema,
  TcpProxySchema,
  UpstreamTlsContextSchema,
  WrrLocalitySchema,
} from '@inmesh/xds/messages';

/** What may stand in an `Any`, where it can be told apart at all. What of it is acted on, the decoders say. */
export const anyTypes = createRegistry(
  ...[ClusterHttpProtocolOptionsSchema, CorsSchema, FileAccessLogSchema, FilterConfigSchema, HTTPFaultSchema],
  ...[HttpConnectionManagerSchema, HttpCorsPolicySchema, HttpRBACSchema, JwtAuthenticationSchema, LeastRequestSchema],
  ...[LocalRateLimitSchema, MaglevSchema, OmitCanaryHostsPredicateSchema, OmitHostMetadataConfigSchema],
  ...[PreviousHostsPredicateSchema, RandomSchema, RawBufferSchema, RBACPerRouteSchema, RingHashSchema],
  ...[RoundRobinSchema, RouterSchema, StdoutAccessLogSchema, TcpProxySchema, UpstreamTlsContextSchema],
  WrrLocalitySchema,
);
