import {
  ClientSideWeightedRoundRobinSchema,
  ClusterProvidedSchema,
  ConsistentHashingLbConfigSchema,
  LeastRequestSchema,
  LoadBalancingPolicy_PolicySchema,
  LoadBalancingPolicySchema,
  LocalityLbConfigSchema,
  MaglevSchema,
  RandomSchema,
  RingHashSchema,
  RoundRobinSchema,
  SlowStartConfigSchema,
  SubsetSchema,
  TypedExtensionConfigSchema,
  WrrLocalitySchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, supported, unneeded } from './support.js';

const reports = 'endpoints do not report their load: round robin by their weights is used';

/** Of envoy.extensions.load_balancing_policies. */
export const loadBalancerFields: readonly MessageSupport[] = [
  ofMessage(LoadBalancingPolicySchema, supported('policies')),
  ofMessage(LoadBalancingPolicy_PolicySchema, supported('typed_extension_config')),
  ofMessage(TypedExtensionConfigSchema, supported('typed_config'), unneeded('the type says it', 'name')),
  ofMessage(RoundRobinSchema, supported('slow_start_config', 'locality_lb_config')),
  ofMessage(RandomSchema, supported('locality_lb_config')),
  ofMessage(
    LeastRequestSchema,
    supported('choice_count', 'active_request_bias', 'slow_start_config', 'locality_lb_config'),
    ignored('some endpoints are compared, choice_count says how many', 'enable_full_scan', 'selection_method'),
  ),
  ofMessage(
    RingHashSchema,
    supported('hash_function', 'minimum_ring_size', 'maximum_ring_size'),
    supported('consistent_hashing_lb_config', 'locality_weighted_lb_config'),
    ignored('the ring is made of addresses', 'use_hostname_for_hashing'),
    ignored('a busy endpoint keeps its keys', 'hash_balance_factor'),
  ),
  ofMessage(MaglevSchema, supported('table_size', 'consistent_hashing_lb_config', 'locality_weighted_lb_config')),
  ofMessage(
    ConsistentHashingLbConfigSchema,
    ignored('the table is made of addresses', 'use_hostname_for_hashing'),
    ignored('a busy endpoint keeps its keys', 'hash_balance_factor'),
  ),
  ofMessage(
    LocalityLbConfigSchema,
    supported('locality_weighted_lb_config'),
    ignored('traffic is not kept in the zone of the caller by this field', 'zone_aware_lb_config'),
  ),
  ofMessage(SlowStartConfigSchema, supported('slow_start_window', 'aggression', 'min_weight_percent')),
  ofMessage(ClusterProvidedSchema),
  ofMessage(
    SubsetSchema,
    supported('subset_lb_policy'),
    // The policy itself is reported, so there is no need to say it of each of its fields.
    unneeded('requests go to all endpoints', 'fallback_policy', 'default_subset', 'subset_selectors'),
    unneeded('requests go to all endpoints', 'allow_redundant_keys', 'locality_weight_aware', 'scale_locality_weight'),
    unneeded('requests go to all endpoints', 'panic_mode_any', 'list_as_any', 'metadata_fallback_policy'),
  ),
  ofMessage(WrrLocalitySchema, supported('endpoint_picking_policy')),
  ofMessage(
    ClientSideWeightedRoundRobinSchema,
    ignored(reports, 'enable_oob_load_report', 'oob_reporting_period', 'blackout_period'),
    ignored(reports, 'weight_expiration_period', 'weight_update_period', 'error_utilization_penalty'),
  ),
];
