import {
  FaultAbortSchema,
  FaultDelaySchema,
  FilterConfigSchema,
  HTTPFaultSchema,
  HttpCorsPolicySchema,
} from '../../messages.js';
import { corsFields } from './route-fields.js';
import { ignored, type MessageSupport, ofMessage, supported, unneeded } from './support.js';

const byHeader = 'callers cannot ask for a fault by a header';

/** Of what stands in `typed_per_filter_config`. */
export const filterFields: readonly MessageSupport[] = [
  ofMessage(FilterConfigSchema, supported('config', 'is_optional', 'disabled')),
  ofMessage(
    HTTPFaultSchema,
    supported('delay', 'abort', 'headers', 'max_active_faults'),
    ignored('the fault is left out: put it on the routes that it is meant for', 'upstream_cluster', 'downstream_nodes'),
    ignored('the speed of a response is not limited', 'response_rate_limit'),
    unneeded(
      'there is no Envoy runtime: the values of the policy count',
      'delay_percent_runtime',
      'abort_percent_runtime',
      'delay_duration_runtime',
      'abort_http_status_runtime',
      'max_active_faults_runtime',
      'response_rate_limit_percent_runtime',
      'abort_grpc_status_runtime',
    ),
    unneeded('it is about statistics and logs of Envoy', 'disable_downstream_cluster_stats', 'filter_metadata'),
  ),
  ofMessage(FaultDelaySchema, supported('fixed_delay', 'percentage'), ignored(byHeader, 'header_delay')),
  ofMessage(FaultAbortSchema, supported('http_status', 'grpc_status', 'percentage'), ignored(byHeader, 'header_abort')),
  ofMessage(HttpCorsPolicySchema, ...corsFields),
];
