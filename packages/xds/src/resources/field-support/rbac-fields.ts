import {
  CidrRangeSchema,
  FilterStateMatcherSchema,
  HttpRBACSchema,
  Int32RangeSchema,
  ListMatcherSchema,
  MetadataMatcher_PathSegmentSchema,
  MetadataMatcherSchema,
  OrMatcherSchema,
  PathMatcherSchema,
  Permission_SetSchema,
  PermissionSchema,
  PolicySchema,
  Principal_AuthenticatedSchema,
  Principal_SetSchema,
  PrincipalSchema,
  RBACSchema,
  UriTemplateMatchConfigSchema,
  ValueMatcherSchema,
} from '../../messages.js';
import { type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

/** What of an authorization is not understood is never ignored. */
const noMatchers = 'matchers of Envoy have no code here: write the condition with permissions and principals';

const onlyStatistics = 'it is about statistics of Envoy';

const noSuchValue = 'claims are tested as text, as lists of text and for presence';

/** Of envoy.config.rbac.v3 and what it is made of. */
export const rbacFields: readonly MessageSupport[] = [
  ofMessage(
    HttpRBACSchema,
    supported('rules', 'shadow_rules', 'shadow_rules_stat_prefix'),
    refused(noMatchers, 'matcher', 'shadow_matcher'),
    unneeded(onlyStatistics, 'rules_stat_prefix', 'track_per_rule_stats'),
  ),
  ofMessage(
    RBACSchema,
    supported('action', 'policies'),
    refused('decisions are logged by the mesh itself', 'audit_logging_options'),
  ),
  ofMessage(
    PolicySchema,
    supported('permissions', 'principals'),
    refused('CEL is not evaluated', 'condition', 'checked_condition'),
  ),
  ofMessage(
    PermissionSchema,
    supported('and_rules', 'or_rules', 'any', 'header', 'url_path', 'destination_ip', 'destination_port'),
    supported('destination_port_range', 'not_rule', 'requested_server_name', 'uri_template'),
    refused('only claims of a token are known here, and those are asked for by principals', 'metadata'),
    refused(noMatchers, 'matcher'),
  ),
  ofMessage(Permission_SetSchema, supported('rules')),
  ofMessage(
    PrincipalSchema,
    supported('and_ids', 'or_ids', 'any', 'authenticated', 'source_ip', 'direct_remote_ip', 'remote_ip', 'header'),
    supported('url_path', 'metadata', 'filter_state', 'not_id'),
  ),
  ofMessage(Principal_SetSchema, supported('ids')),
  ofMessage(Principal_AuthenticatedSchema, supported('principal_name')),
  ofMessage(PathMatcherSchema, supported('path')),
  ofMessage(CidrRangeSchema, supported('address_prefix', 'prefix_len')),
  ofMessage(Int32RangeSchema, supported('start', 'end')),
  ofMessage(UriTemplateMatchConfigSchema, supported('path_template')),
  ofMessage(FilterStateMatcherSchema, supported('key', 'string_match')),
  ofMessage(MetadataMatcherSchema, supported('filter', 'path', 'value', 'invert')),
  ofMessage(MetadataMatcher_PathSegmentSchema, supported('key')),
  ofMessage(
    ValueMatcherSchema,
    supported('string_match', 'present_match', 'list_match', 'or_match'),
    refused(noSuchValue, 'null_match', 'double_match', 'bool_match'),
  ),
  ofMessage(ListMatcherSchema, supported('one_of')),
  ofMessage(OrMatcherSchema, supported('value_matchers')),
];
