import { isIP } from 'node:net';
import { MeshError } from '@inmesh/core';

const forms = 'unix:/path, unix:///path or tcp://IP:port';

/**
 * The target of gRPC for an address as SPIFFE_ENDPOINT_SOCKET has it (SPIFFE_Workload_Endpoint.md 4).
 * @throws MeshError `invalid_request` for any other form
 */
export function endpointTarget(address: string): string {
  const target = targetOf(address);
  if (target !== undefined) return target;
  throw new MeshError('invalid_request', {
    message: `identity: ${JSON.stringify(address)} is no address of a Workload API`,
    hint: `SPIFFE_ENDPOINT_SOCKET, or workloadApi, is ${forms}`,
  });
}

function targetOf(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, host, hostname, port, pathname, username, password } = new URL(address);
  // URL drops empty ones.
  if (username !== '' || password !== '' || /[?#]/.test(address)) return undefined;
  if (protocol === 'unix:') return host === '' && /^unix:\/.*[^/]$/.test(address) ? unixTarget(pathname) : undefined;
  // A path of any kind is one too many (`tcp://127.0.0.1:8000/foo`).
  if (protocol !== 'tcp:' || pathname !== '' || port === '') return undefined;
  const ip = hostname.replace(/^\[|\]$/g, '');
  if (isIP(ip) === 0) return undefined;
  return `${isIP(ip) === 6 ? 'ipv6' : 'ipv4'}:${host}`;
}

function unixTarget(pathname: string): string | undefined {
  try {
    return `unix:${decodeURIComponent(pathname)}`;
  } catch {
    return undefined;
  }
}
