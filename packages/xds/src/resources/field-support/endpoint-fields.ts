import {
  ClusterLoadAssignment_PolicySchema,
  ClusterLoadAssignmentSchema,
  EndpointSchema,
  LbEndpointSchema,
  LocalityLbEndpoints_LbEndpointListSchema,
  LocalityLbEndpointsSchema,
  LocalitySchema,
  SocketAddressSchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

/** Of envoy.config.endpoint.v3. */
export const endpointFields: readonly MessageSupport[] = [
  ofMessage(
    ClusterLoadAssignmentSchema,
    supported('cluster_name', 'endpoints', 'policy'),
    unneeded('endpoints come in their localities', 'named_endpoints'),
  ),
  ofMessage(
    ClusterLoadAssignment_PolicySchema,
    supported('overprovisioning_factor'),
    ignored('no requests are dropped', 'drop_overloads'),
    ignored('endpoints stay in use until the server says otherwise', 'endpoint_stale_after'),
    ignored('every endpoint counts the same for the health of its priority', 'weighted_priority_health'),
  ),
  ofMessage(
    LocalityLbEndpointsSchema,
    supported('locality', 'lb_endpoints', 'load_balancer_endpoints', 'load_balancing_weight', 'priority'),
    refused('endpoints come in their assignment', 'leds_cluster_locality_config'),
    unneeded('only extensions of Envoy read it', 'metadata'),
    unneeded('Envoy does not read it', 'proximity'),
  ),
  ofMessage(LocalityLbEndpoints_LbEndpointListSchema, supported('lb_endpoints')),
  ofMessage(
    LbEndpointSchema,
    supported('endpoint', 'health_status', 'metadata', 'load_balancing_weight'),
    refused('endpoints stand where they are used', 'endpoint_name'),
  ),
  ofMessage(
    EndpointSchema,
    supported('address', 'hostname'),
    unneeded('endpoints are not probed', 'health_check_config'),
    ignored('the first address is used', 'additional_addresses'),
  ),
  ofMessage(LocalitySchema, supported('region', 'zone', 'sub_zone')),
  ofMessage(
    SocketAddressSchema,
    supported('protocol', 'address', 'port_value'),
    refused('ports are numbers', 'named_port'),
    ignored('names are resolved by the resolver of the process', 'resolver_name'),
    unneeded('it is for listening sockets', 'ipv4_compat'),
  ),
];
