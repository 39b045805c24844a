import { loadConfig } from '@inmesh/config';
import type { RouteConfiguration } from '@inmesh/xds/messages';
import type { TypeStatus } from '@inmesh/xds/server';

export interface Expected {
  /** One for each host of the configuration. */
  readonly targets: readonly string[];
  /** The listeners of clients with our SDK, which is what the server's debug pages show. */
  readonly listeners: readonly string[];
  /** What a client must ask for, by the end of the type's URL. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}

/** What a gRPC library comes to know when it dials every host of a configuration. */
export function expectedOf(files: Readonly<Record<string, string>>): Expected {
  const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
  const { resources } = loadConfig(sources, { client: { kind: 'grpc', namespace: 'default' } });
  const hosts = [...resources.listeners.keys()].filter((name) => name !== '*');
  const clusters = [...new Set([...resources.routes.values()].flatMap((routes) => clustersOf(routes, hosts)))];
  return {
    listeners: [...loadConfig(sources).resources.listeners.keys()],
    targets: hosts.map((name) => `xds:///${name}`),
    names: {
      Listener: hosts,
      RouteConfiguration: [...resources.routes.keys()],
      Cluster: clusters,
      ClusterLoadAssignment: clusters.filter((name) => resources.assignments.has(name)),
    },
  };
}

/** Of one client, whose channels may have a stream each: what it has not yet asked for and accepted. */
export function missingOf({ names }: Expected, types: readonly TypeStatus[]): string[] {
  return Object.entries(names).flatMap(([type, wanted]) => {
    const accepted = types
      .filter(({ typeUrl, sentVersion, ackedVersion }) => typeUrl.endsWith(`.${type}`) && sentVersion === ackedVersion)
      .flatMap(({ subscribed }) => subscribed);
    return wanted.filter((name) => !accepted.includes(name)).map((name) => `${type} ${name}`);
  });
}

export function refusalsOf(types: readonly TypeStatus[]): string[] {
  return types.flatMap(({ nack }) => (nack === undefined ? [] : [nack.message]));
}

function clustersOf({ virtualHosts }: RouteConfiguration, hosts: readonly string[]): string[] {
  const named = virtualHosts.filter(({ domains }) => domains.some((domain) => hosts.includes(domain)));
  return (named.length > 0 ? named : virtualHosts).flatMap(({ routes }) =>
    routes.flatMap(({ action }) => {
      if (action.case !== 'route') return [];
      const { clusterSpecifier } = action.value;
      if (clusterSpecifier.case === 'cluster') return [clusterSpecifier.value];
      if (clusterSpecifier.case !== 'weightedClusters') return [];
      return clusterSpecifier.value.clusters.map(({ name }) => name);
    }),
  );
}
