import { expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import type { ControlPlaneOptions } from '../src/index.js';
import { ConfigFolder } from './support/config-folder.js';
import { startServer } from './support/start.js';

const yaml = `
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { selector: { app: shop }, ports: [{ port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: other }
spec:
  hosts: [other.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, serviceAccount: buyer }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: other, namespace: mesh-root }
spec: { host: other.example, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: all, namespace: mesh-root }
spec: { rules: [{ from: [{ source: { principals: [cluster.local/ns/default/sa/caller] } }] }] }
`;

async function dumpWith(options: Partial<ControlPlaneOptions>): Promise<string> {
  const folder = keep(new ConfigFolder());
  folder.write('all.yaml', yaml);
  const server = keep(await startServer(folder.path, { rootNamespace: 'mesh-root', ...options }));
  return (await server.get('debug', '/debug/config_dump')).text;
}

it.each([
  ['of the authority', { ca: { tlsPort: 0, trustDomain: 'example.org' } }],
  ['that is given, of an authority elsewhere', { trustDomain: 'example.org' }],
])('Rules name identities of the trust domain %s', async (_name, options) => {
  const dump = await dumpWith(options);
  expect(dump).toContain('spiffe://example.org/ns/default/sa/caller');
  expect(dump).toContain('spiffe://example.org/ns/default/sa/buyer');
  expect(dump).not.toContain('spiffe://cluster.local/');
});

it('Policies of another namespace than the root are not for all', async () => {
  expect(await dumpWith({ rootNamespace: undefined })).not.toContain('/sa/caller');
});
