import { FilterChainMatchSchema, FilterChainSchema, FilterSchema } from '../../messages.js';
import { type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

const onlyPorts = 'ways in are told apart by port and by TLS';

/** Of the filter chains of an inbound listener. */
export const inboundFields: readonly MessageSupport[] = [
  ofMessage(
    FilterChainSchema,
    supported('filter_chain_match', 'filters', 'transport_socket'),
    refused('addresses are those of the connection', 'use_proxy_proto'),
    unneeded('only extensions of Envoy read it', 'metadata', 'name'),
    unneeded('it is for sockets that a proxy listens on', 'transport_socket_connect_timeout'),
    unneeded('a chain is ready when it is read', 'on_demand_configuration'),
  ),
  ofMessage(
    FilterChainMatchSchema,
    supported('destination_port', 'transport_protocol', 'application_protocols'),
    refused(onlyPorts, 'prefix_ranges', 'address_suffix', 'suffix_len', 'direct_source_prefix_ranges', 'source_type'),
    refused(onlyPorts, 'source_prefix_ranges', 'source_ports', 'server_names'),
  ),
  ofMessage(
    FilterSchema,
    supported('name', 'typed_config'),
    refused('filters come with their listener only', 'config_discovery'),
  ),
];
