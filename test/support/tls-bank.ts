import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { makeCertificate, type TestCertificate } from './certificates.js';

/** Who issues certificates. */
export function authority(name: string) {
  const root = makeCertificate({ hosts: [name], isCa: true, keyUsage: ['keyCertSign'] });
  const issuer = { hosts: [name], keyObject: root.keyObject };
  const issue = (hosts: readonly string[], uris: readonly string[] = []) => makeCertificate({ hosts, uris, issuer });
  return { certificate: root.certificate, issue };
}

/** What the policy expects. */
export const hostname = 'bank.example';

const document = (object: object) => `---\n${JSON.stringify(object)}\n`;

/** The Service `bank`, with one endpoint on this port. */
export function bankYaml(port: number): string {
  const metadata = { name: 'bank', labels: { 'kubernetes.io/service-name': 'bank' } };
  const endpoints = [{ addresses: ['127.0.0.1'] }];
  return (
    document({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'http', port: 80 }] } }) +
    document({
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', endpoints },
      ports: [{ name: 'http', port }],
    })
  );
}

/** Its BackendTLSPolicy, with the authorities of the ConfigMap `bank-ca`. */
export function policyYaml(validation: object = {}): string {
  const caCertificateRefs = [{ group: '', kind: 'ConfigMap', name: 'bank-ca' }];
  return document({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'BackendTLSPolicy',
    metadata: { name: 'bank' },
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name: 'bank' }],
      validation: { hostname, caCertificateRefs, ...validation },
    },
  });
}

export function authoritiesYaml(text: string): string {
  return document({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bank-ca' }, data: { 'ca.crt': text } });
}

/** The first byte of a TLS handshake. */
export const handshake = 0x16;

/** A server that notes how each connection begins, and each request with the SNI of its connection. */
export async function startBank(identity: TestCertificate) {
  const firstBytes = new Set<number | undefined>();
  const requests: unknown[] = [];
  const server = createServer({ cert: identity.certificate, key: identity.key }, (req, res) => {
    requests.push((req.socket as TLSSocket & { servername?: unknown }).servername);
    res.setHeader('connection', 'close').end('done');
  });
  server.on('tlsClientError', () => {});
  const port = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('readable', () => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      firstBytes.add(chunk[0]);
      socket.unshift(chunk);
      server.emit('connection', socket);
    });
  });
  port.listen(0, '127.0.0.1');
  await once(port, 'listening');
  const close = async () => {
    port.close();
    server.closeAllConnections();
    await once(port, 'close');
  };
  const show = ({ certificate, key }: typeof identity) => server.setSecureContext({ cert: certificate, key });
  return { port: (port.address() as AddressInfo).port, requests, firstBytes, show, close };
}
