import { create } from '@bufbuild/protobuf';
import type { PeerIdentity } from '@inmesh/core';
import { NodeSchema } from '@inmesh/xds/messages';
import type { Admission } from '@inmesh/xds/server';
import type { Logger } from '../logger.js';
import { clientOf } from '../node-client.js';

/** Takes a node for what it has proved: what it says of its namespace and service account counts no more. */
export function admitAs({ spiffeId, namespace, serviceAccount }: PeerIdentity, logger: Logger): Admission {
  return {
    admit: (claimed) => {
      const node = claimed ?? create(NodeSchema);
      const said = clientOf(node, namespace).namespace;
      if (said !== namespace) {
        const message = 'a client says that it is of another namespace than it has proved: it is given its own';
        logger.warn(message, { nodeId: node.id, said, proved: spiffeId });
      }
      node.metadata = { ...node.metadata, NAMESPACE: namespace, SERVICE_ACCOUNT: serviceAccount };
      return node;
    },
  };
}
