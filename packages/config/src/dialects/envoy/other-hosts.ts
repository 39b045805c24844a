import { create } from '@bufbuild/protobuf';
import { type RouteAction, RouteActionSchema, type VirtualHost, VirtualHostSchema } from '@inmesh/xds/messages';
import { passthroughCluster } from './egress-clusters.js';

const none = { seconds: 0n, nanos: 0 };

/** The virtual host for what nothing names, with Istio's names and answers. */
export function otherHosts(treatment: 'passed on' | 'blocked'): VirtualHost {
  const name = treatment === 'blocked' ? 'block_all' : 'allow_any';
  const action =
    treatment === 'blocked'
      ? ({ case: 'directResponse', value: { status: 502 } } as const)
      : ({ case: 'route', value: passOn() } as const);
  const match = { pathSpecifier: { case: 'prefix', value: '/' } } as const;
  return create(VirtualHostSchema, {
    name,
    domains: ['*'],
    routes: [{ name, match, action }],
    includeRequestAttemptCount: true,
  });
}

function passOn(): RouteAction {
  return create(RouteActionSchema, {
    clusterSpecifier: { case: 'cluster', value: passthroughCluster },
    timeout: none,
    maxStreamDuration: { grpcTimeoutHeaderMax: none },
  });
}
