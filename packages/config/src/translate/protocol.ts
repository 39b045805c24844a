import { ownValue } from '../own-value.js';

/** What a port speaks: HTTP is routed; of what is `opaque` nothing can be told. */
export type PortProtocol = 'http' | 'http2' | 'opaque';

const protocols: Readonly<Record<string, PortProtocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'http2',
  'grpc-web': 'http2',
  // The service ends TLS itself, so there is nothing to see inside.
  https: 'opaque',
  tls: 'opaque',
  tcp: 'opaque',
  mongo: 'opaque',
  redis: 'opaque',
  mysql: 'opaque',
  // Kubernetes' own names (KEP-3726).
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'opaque',
};

/** Ports whose servers speak first, which waiting for HTTP would break: SMTP, DNS, MySQL, MongoDB (Istio conversion.go). */
const opaquePorts = new Set([25, 53, 3306, 27017]);

/**
 * By `appProtocol`, else by the port's name up to its first dash; a port that says nothing is taken for HTTP (Istio
 * «Protocol Selection», where such a port is looked into).
 */
export function protocolOfPort(port: number, name: string, appProtocol: string | undefined): PortProtocol {
  const told = (appProtocol ?? name).toLowerCase();
  const word = told.startsWith('grpc-web') || told.includes('/') ? told.replace(/^(grpc-web).*/, '$1') : prefixOf(told);
  return ownValue(protocols, word) ?? (opaquePorts.has(port) ? 'opaque' : 'http');
}

/** Of a ServiceEntry's port, which names its protocol. */
export function protocolNamed(protocol: string): PortProtocol | undefined {
  return protocol === '' ? 'http' : ownValue(protocols, protocol.toLowerCase());
}

function prefixOf(name: string): string {
  const dash = name.indexOf('-');
  return dash < 0 ? name : name.slice(0, dash);
}
