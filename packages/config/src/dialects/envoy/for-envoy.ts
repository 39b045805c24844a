import type { ResourceSet } from '@inmesh/xds';
import type { Client } from '../../client.js';
import type { Memory } from '../../memory.js';
import { everyOtherHost } from '../../translate/block-all.js';
import { byName } from '../by-name.js';
import { entriesOf } from '../entries.js';
import { asEnvoyCluster } from './clusters.js';
import { buildBlackHole, buildPassthrough } from './egress-clusters.js';
import { opaquePorts } from './opaque-ports.js';
import { hostsByPort } from './port-hosts.js';
import { listenersByPort } from './port-listeners.js';
import { proxyListener } from './proxy-listener.js';
import { asEnvoySocket } from './transport-sockets.js';

/**
 * What a sidecar of Istio is told for the calls that go out of its pod. Of the calls that come in it is told nothing, so that
 * policies about them are not carried out: nothing tells which ports of a pod speak HTTP, and a listener for all of them
 * (`virtualInbound`, which the SDK is given) would break the others.
 *
 * - With a port for a proxy (node metadata `HTTP_PROXY_PORT`): one listener on it, on loopback, and none else, so that several
 *   proxies may share a machine. Calls come as to an HTTP proxy, or with the `Host` that they are meant for; to hosts that
 *   nothing names the answer is 502.
 * - Where connections are redirected (`REDIRECT`, the default): `virtualOutbound` on port 15001 hands each connection to the
 *   listener of its port, `0.0.0.0_80`, which is bound to none. What has no listener goes where it was sent, or nowhere
 *   where only the registry may be called. Ports that are not HTTP have listeners in this last case alone, and those let
 *   connections through to any address: nothing tells which address is which Service's.
 * - Where they are not (`NONE`): the listeners of ports are bound on loopback, `127.0.0.1_80`.
 */
export function forEnvoy(resources: ResourceSet, client: Client, memory: Memory): ResourceSet {
  const entries = entriesOf(resources, memory);
  const http = entries.filter(({ isOpaque }) => !isOpaque);
  const ports = hostsByPort(http, client, memory);
  const registryOnly = resources.listeners.has(everyOtherHost);
  const { listeners, routes } =
    client.proxyPort === undefined
      ? listenersByPort({ ports, opaque: opaquePorts(entries), registryOnly }, client, memory)
      : proxyListener(ports, client.proxyPort, memory);
  const clusters = [...resources.clusters.values()].map((cluster) =>
    memory.recall(cluster, 'for envoy', [], () => asEnvoySocket(asEnvoyCluster(cluster))),
  );
  return {
    ...resources,
    listeners: byName(listeners),
    routes: byName(routes),
    clusters: byName([...clusters, buildBlackHole(), buildPassthrough()]),
  };
}
