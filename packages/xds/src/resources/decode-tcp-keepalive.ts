import type { Cluster as ClusterModel } from '@inmesh/core';
import type { Cluster } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Undefined where connections are not probed, which a time of 0 asks for as well (address.proto `TcpKeepalive`). */
export function decodeTcpKeepalive(
  { upstreamConnectionOptions: options }: Cluster,
  at: FieldScope,
): ClusterModel['tcpKeepalive'] {
  if (options === undefined) return undefined;
  reportUnsupported(options, at);
  const { tcpKeepalive: keepalive } = options;
  if (keepalive === undefined) return undefined;
  reportUnsupported(keepalive, at.field('tcp_keepalive'));
  const { keepaliveTime: seconds } = keepalive;
  return seconds === 0 ? undefined : { timeMs: seconds === undefined ? undefined : seconds * 1000 };
}
