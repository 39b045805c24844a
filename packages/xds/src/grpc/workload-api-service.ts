import { SpiffeWorkloadAPI } from '../messages.js';
import { methodOf } from './methods.js';

/** SPIFFE's: the X.509-SVIDs of whoever asks, and the authorities that it may trust. */
export const workloadApiService = {
  fetchX509Svid: methodOf(SpiffeWorkloadAPI.method.fetchX509SVID),
};
