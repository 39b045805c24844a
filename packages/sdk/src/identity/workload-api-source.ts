import type { Clock, Random } from '@inmesh/core';
import type { X509SVIDResponse } from '@inmesh/xds/client';
import type { Logger } from '../logger.js';
import { openWaitMs } from './first-answer.js';
import type { IdentitySource } from './identity.js';
import { StreamIdentity } from './stream-identity.js';
import { endpointTarget } from './workload-api-endpoint.js';
import { readWorkloadIdentity } from './workload-api-identity.js';

/** A SPIFFE Workload API, such as that of a SPIRE agent. */
export interface WorkloadApiLocation {
  /** `unix:/path`, `unix:///path` or `tcp://IP:port`, as in SPIFFE_ENDPOINT_SOCKET. */
  readonly workloadApi: string;
}

/** An identity that has been asked for once. @throws MeshError `invalid_request` where the address is none */
export async function openWorkloadApi(
  { workloadApi }: WorkloadApiLocation,
  options: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<IdentitySource> {
  const target = endpointTarget(workloadApi);
  const description = `Workload API ${workloadApi}`;
  // The messages take a while to load, so only who needs them does.
  const { streamWorkloadApi } = await import('@inmesh/xds/client');
  const source = new StreamIdentity<X509SVIDResponse>({
    ...options,
    description,
    open: (handlers) => streamWorkloadApi(target, handlers),
    read: (response, now) => readWorkloadIdentity(response, description, now),
  });
  await source.open(openWaitMs);
  return source;
}
