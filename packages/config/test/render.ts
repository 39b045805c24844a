import { createRegistry, type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import {
  AggregateClusterConfigSchema,
  ClusterHttpProtocolOptionsSchema,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  CorsSchema,
  DownstreamTlsContextSchema,
  ExtAuthzSchema,
  FilterConfigSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  HttpCorsPolicySchema,
  HttpRBACSchema,
  JwtAuthenticationSchema,
  LeastRequestSchema,
  ListenerSchema,
  LocalRateLimitSchema,
  MaglevSchema,
  PreviousHostsPredicateSchema,
  RandomSchema,
  RawBufferSchema,
  RingHashSchema,
  RoundRobinSchema,
  RouteConfigurationSchema,
  RouterSchema,
  TcpProxySchema,
  UpstreamTlsContextSchema,
  UriTemplateMatchConfigSchema,
} from '@inmesh/xds/messages';
import { stringify } from 'yaml';
import { formatIssue, type LoadedConfig } from '../src/index.js';

/** The types that stand inside of an `Any`. */
const registry = createRegistry(
  AggregateClusterConfigSchema,
  ClusterHttpProtocolOptionsSchema,
  CorsSchema,
  DownstreamTlsContextSchema,
  ExtAuthzSchema,
  FilterConfigSchema,
  HTTPFaultSchema,
  HttpCorsPolicySchema,
  HttpConnectionManagerSchema,
  LeastRequestSchema,
  LocalRateLimitSchema,
  MaglevSchema,
  PreviousHostsPredicateSchema,
  RandomSchema,
  RawBufferSchema,
  RingHashSchema,
  RoundRobinSchema,
  RouterSchema,
  TcpProxySchema,
  UpstreamTlsContextSchema,
  UriTemplateMatchConfigSchema,
  HttpRBACSchema,
  JwtAuthenticationSchema,
);

/** Issues, and resources in protobuf's canonical JSON, as YAML. */
export function render({ issues, resources }: Pick<LoadedConfig, 'issues' | 'resources'>): string {
  const content = {
    issues: issues.map(formatIssue),
    listeners: renderAll(ListenerSchema, resources.listeners),
    routes: renderAll(RouteConfigurationSchema, resources.routes),
    clusters: renderAll(ClusterSchema, resources.clusters),
    assignments: renderAll(ClusterLoadAssignmentSchema, resources.assignments),
  };
  return stringify(content, { lineWidth: 0, aliasDuplicateObjects: false });
}

function renderAll<Desc extends DescMessage>(schema: Desc, resources: ReadonlyMap<string, MessageShape<Desc>>) {
  return [...resources.values()].map((resource) => toJson(schema, resource, { registry }));
}
