import { ClientStatusDiscoveryService, LoadReportingService } from '../messages.js';
import { methodOf } from './methods.js';

/** CSDS: what each client has of the configuration. */
export const clientStatusService = {
  streamClientStatus: methodOf(ClientStatusDiscoveryService.method.streamClientStatus),
  fetchClientStatus: methodOf(ClientStatusDiscoveryService.method.fetchClientStatus),
};

/** LRS: how much clients send where. */
export const loadReportingService = {
  streamLoadStats: methodOf(LoadReportingService.method.streamLoadStats),
};
