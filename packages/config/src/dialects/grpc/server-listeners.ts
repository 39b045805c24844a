import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { HttpConnectionManagerSchema, type Listener, ListenerSchema } from '@inmesh/xds/messages';
import { buildHttpFilters } from '../../translate/filter-configs.js';
import { servedHere } from '../../translate/served-here.js';

interface Address {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * How a gRPC server names its own listener (gRFC A36), by the template in its bootstrap: Istio's
 * (`xds.istio.io/grpc/lds/inbound/%s`), and `grpc/server?xds.resource.listening_address=%s` and `grpc/server/%s`, also in the
 * names of an authority (gRFC A47).
 */
const serverName = /(?:(?:^|\/)grpc\/(?:lds\/inbound|server)\/|[?&]xds\.resource\.listening_address=)([^/?&]+)$/;

/**
 * The listener of a gRPC server that listens where its name says: takes every call that the server itself knows. Undefined
 * for what is no name of such a listener. A server serves nothing before it has one, and the address has to be its own.
 */
export function buildServerListener(name: string): Listener | undefined {
  const address = addressIn(name);
  if (address === undefined) return undefined;
  const { host, port } = address;
  return create(ListenerSchema, {
    name,
    address: {
      address: {
        case: 'socketAddress',
        value: { address: host, portSpecifier: { case: 'portValue', value: port } },
      },
    },
    defaultFilterChain: {
      name: 'inbound',
      filters: [{ name: 'inbound', configType: { case: 'typedConfig', value: packedManager() } }],
    },
  });
}

function packedManager() {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: 'inbound',
    httpFilters: buildHttpFilters().filter(({ name }) => name === 'envoy.filters.http.router'),
    routeSpecifier: servedHere,
  });
  return anyPack(HttpConnectionManagerSchema, manager);
}

function addressIn(name: string): Address | undefined {
  const written = serverName.exec(name)?.[1];
  const parts = written === undefined ? null : addressParts.exec(unescaped(written));
  const [, bracketed, bare, port] = parts ?? [];
  const host = bracketed ?? bare;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

const addressParts = /^(?:\[([\da-f:.]+)\]|(\d+(?:\.\d+){3})):(\d{1,5})$/i;

/** Names of an authority are URIs. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
