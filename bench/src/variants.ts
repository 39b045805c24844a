import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMesh } from 'inmesh';
import { Pool, fetch as undiciFetch } from 'undici';

/** Sends one request and reads its body to the end. */
export type SendRequest = () => Promise<void>;
export type Variant = (backendUrl: string) => Promise<SendRequest>;

const path = '/reviews/7';

/** The same host name and headers as the mesh's side sends. */
const rawPool: Variant = async (url) => {
  const pool = new Pool(url, { connections: null });
  const options = { path, method: 'GET', headers: ['host', 'reviews:9080'] } as const;
  return async () => {
    const { body } = await pool.request({ ...options, headers: [...options.headers] });
    await body.text();
  };
};

const rawFetch: Variant = async (url) => {
  const pool = new Pool(url, { connections: null });
  return async () => {
    const response = await undiciFetch(url + path, { dispatcher: pool });
    await response.text();
  };
};

const builtInFetch: Variant = async (url) => async () => {
  const response = await globalThis.fetch(url + path);
  await response.text();
};

async function mesh(url: string) {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-bench-'));
  writeFileSync(join(folder, 'reviews.yaml'), serviceYaml(new URL(url).port));
  const created = await createMesh({ config: folder });
  await created.ready();
  rmSync(folder, { recursive: true });
  return created;
}

const meshRequest: Variant = async (url) => {
  const { dispatcher } = await mesh(url);
  return async () => {
    const { body } = await dispatcher.request({ origin: 'http://reviews:9080', path, method: 'GET' });
    await body.text();
  };
};

const meshFetch: Variant = async (url) => {
  const { fetch } = await mesh(url);
  return async () => {
    const response = await fetch(`http://reviews:9080${path}`);
    await response.text();
  };
};

/** The second name of the baseline is the A/A control: a run in which it leaves 0.95 to 1.05 is void. */
export const variants: Readonly<Record<string, Variant>> = {
  'raw-pool': rawPool,
  'raw-pool-again': rawPool,
  'mesh-dispatcher': meshRequest,
  'undici-fetch': rawFetch,
  'node-fetch': builtInFetch,
  'mesh-fetch': meshFetch,
};

export const variantNames = Object.keys(variants);

function serviceYaml(port: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, namespace: default, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: default }
spec:
  hosts: [reviews]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      route: [{ destination: { host: reviews } }]
    - timeout: 10s
      route: [{ destination: { host: reviews } }]
`;
}
