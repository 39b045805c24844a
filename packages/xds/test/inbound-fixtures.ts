// Inbound listeners for tests, as istiod writes them in JSON.
import { createRegistry, type DescMessage, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import {
  CorsSchema,
  DownstreamTlsContextSchema,
  ExtAuthzSchema,
  FaultDelaySchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  HttpRBACSchema,
  JwtAuthenticationSchema,
  type Listener,
  ListenerSchema,
  RouterSchema,
  TcpProxySchema,
  UdpaTypedStructSchema,
  UpstreamTlsContextSchema,
  UriTemplateMatchConfigSchema,
} from '../src/messages.js';

const registry = createRegistry(
  CorsSchema,
  HttpConnectionManagerSchema,
  HttpRBACSchema,
  JwtAuthenticationSchema,
  ExtAuthzSchema,
  FaultDelaySchema,
  HTTPFaultSchema,
  RouterSchema,
  TcpProxySchema,
  UdpaTypedStructSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
  UriTemplateMatchConfigSchema,
);

export function read<Desc extends DescMessage>(schema: Desc, json: JsonValue) {
  return fromJson(schema, json, { registry });
}

export function typed(name: string, { typeName }: DescMessage, config: JsonObject): JsonObject {
  return { name, typedConfig: { '@type': `type.googleapis.com/${typeName}`, ...config } };
}

export const rbac = (config: JsonObject) => typed('envoy.filters.http.rbac', HttpRBACSchema, config);

export const jwt = (config: JsonObject) => typed('envoy.filters.http.jwt_authn', JwtAuthenticationSchema, config);

export const extAuthz = (config: JsonObject) => typed('envoy.filters.http.ext_authz', ExtAuthzSchema, config);

const router = typed('envoy.filters.http.router', RouterSchema, {});

export function manager(httpFilters: JsonObject[], more: JsonObject = {}): JsonObject {
  return typed('envoy.filters.network.http_connection_manager', HttpConnectionManagerSchema, {
    statPrefix: 'inbound',
    routeConfig: { name: 'inbound', virtualHosts: [] },
    httpFilters: [...httpFilters, router],
    ...more,
  });
}

export function chain(httpFilters: JsonObject[], more: JsonObject = {}): JsonObject {
  return { filters: [manager(httpFilters)], ...more };
}

/** Istio's mutual TLS. */
export const meshTls = typed('envoy.transport_sockets.tls', DownstreamTlsContextSchema, {
  requireClientCertificate: true,
  commonTlsContext: {
    alpnProtocols: ['h2', 'http/1.1'],
    tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2', tlsMaximumProtocolVersion: 'TLSv1_3' },
    tlsCertificateSdsSecretConfigs: [{ name: 'default' }],
    combinedValidationContext: {
      defaultValidationContext: {},
      validationContextSdsSecretConfig: { name: 'ROOTCA' },
    },
  },
});

export function inboundListener(filterChains: JsonObject[], more: JsonObject = {}): Listener {
  return read(ListenerSchema, {
    name: 'virtualInbound',
    trafficDirection: 'INBOUND',
    address: { socketAddress: { address: '0.0.0.0', portValue: 15006 } },
    filterChains,
    ...more,
  });
}
