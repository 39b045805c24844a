import type { ClientView } from '@inmesh/config';
import type { Clock, MeshResources, Random } from '@inmesh/core';
import { AdsClient, type NodeIdentity } from '@inmesh/xds/client';
import type { Logger } from '../logger.js';
import type { WorkloadInfo } from '../mesh-internals.js';
import type { ConfigSource } from './source.js';

/** Configuration from an ADS server: incremental where the server knows that, else as state of the world. */
export class XdsSource implements ConfigSource {
  readonly description: string;
  problem: string | undefined = 'not connected yet';
  #client: AdsClient | undefined;

  constructor(
    private readonly options: {
      serverUri: string;
      nodeId: string;
      workload: WorkloadInfo;
      client: ClientView;
      clock: Clock;
      random: Random;
      logger: Logger;
    },
  ) {
    this.description = `xds ${options.serverUri}`;
  }

  start(deliver: (resources: MeshResources) => void): void {
    const { serverUri, nodeId, workload, client, clock, random, logger } = this.options;
    this.#client = new AdsClient({
      serverUri,
      node: {
        id: nodeId,
        cluster: workload.app || workload.name,
        metadata: nodeMetadata(workload, client),
        locality: client.locality,
      },
      variant: 'incremental',
      clock,
      random,
      logger,
      onResources: deliver,
      onStatus: (status) => {
        this.problem = status.kind === 'disconnected' ? `${serverUri}: ${status.reason}` : undefined;
      },
    });
    this.#client.start();
  }

  close(): void {
    this.#client?.close();
  }
}

/** Istio's names, so that an istiod can tell who asks. */
function nodeMetadata(workload: WorkloadInfo, { labels, nodeName, egress }: ClientView): NodeIdentity['metadata'] {
  return {
    NAMESPACE: workload.namespace,
    SERVICE_ACCOUNT: workload.serviceAccount,
    WORKLOAD_NAME: workload.name,
    CLUSTER_ID: workload.clusterId,
    ...(labels !== undefined && { LABELS: { ...labels } }),
    ...(nodeName !== undefined && { NODE_NAME: nodeName }),
    // Not Istio's: what this client allows itself.
    ...(egress !== undefined && { INMESH_EGRESS: egress }),
    GENERATOR: 'grpc',
  };
}
