import type { ControlPlane } from '@inmesh/control-plane';

interface Dump {
  readonly clusters: readonly { readonly name: string }[];
  readonly versions: Readonly<Record<string, string>>;
  readonly endpoints: readonly { readonly cluster_name: string; readonly endpoints?: readonly DumpedLocality[] }[];
}

interface DumpedLocality {
  readonly lb_endpoints?: readonly {
    readonly health_status: string;
    readonly endpoint: { readonly address: { readonly socket_address: { address: string; port_value: number } } };
  }[];
}

/** All that a config server serves, with the versions that clients see. */
export async function dumpOf({ addresses: { debug } }: ControlPlane): Promise<Dump> {
  return (await (await fetch(`http://${debug}/debug/config_dump`)).json()) as Dump;
}

/** `ADDRESS:PORT HEALTH` of each endpoint of a cluster, sorted. */
export function endpointsIn({ endpoints }: Dump, cluster: string): readonly string[] {
  const found = endpoints.find(({ cluster_name }) => cluster_name === cluster)?.endpoints ?? [];
  const all = found.flatMap(({ lb_endpoints = [] }) => lb_endpoints);
  return all
    .map(({ health_status: health, endpoint }) => {
      const { address, port_value: port } = endpoint.address.socket_address;
      return `${address}:${port} ${health}`;
    })
    .sort();
}
