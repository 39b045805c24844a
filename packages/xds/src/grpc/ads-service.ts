import { AggregatedDiscoveryService } from '../messages.js';
import { methodOf } from './methods.js';

/** The aggregated discovery service: every type on one stream. */
export const adsService = {
  streamAggregatedResources: methodOf(AggregatedDiscoveryService.method.streamAggregatedResources),
  deltaAggregatedResources: methodOf(AggregatedDiscoveryService.method.deltaAggregatedResources),
};
