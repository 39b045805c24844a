import { Pool, fetch as undiciFetch } from 'undici';
import { handMade } from './hand-made.js';
import { meshOf } from './mesh.js';
import { path, type Suite, type Variant } from './variant.js';

const address = ({ port }: { port: number }) => `http://127.0.0.1:${port}`;

/** The same host name and headers as the mesh's side sends. */
const rawPool: Variant = async (target) => {
  const pool = new Pool(address(target), { connections: null });
  const options = { path, method: 'GET', headers: ['host', 'reviews:9080'] } as const;
  return async () => {
    const { body } = await pool.request({ ...options, headers: [...options.headers] });
    await body.text();
  };
};

const rawFetch: Variant = async (target) => {
  const pool = new Pool(address(target), { connections: null });
  const url = address(target) + path;
  return async () => {
    const response = await undiciFetch(url, { dispatcher: pool });
    await response.text();
  };
};

const builtInFetch: Variant = async (target) => {
  const url = address(target) + path;
  return async () => {
    const response = await globalThis.fetch(url);
    await response.text();
  };
};

const meshRequest: Variant = async ({ port }) => {
  const { dispatcher } = await meshOf(port);
  return async () => {
    const { body } = await dispatcher.request({ origin: 'http://reviews:9080', path, method: 'GET' });
    await body.text();
  };
};

const meshFetch: Variant = async ({ port }) => {
  const { fetch } = await meshOf(port);
  return async () => {
    const response = await fetch(`http://reviews:9080${path}`);
    await response.text();
  };
};

export const http: Suite = {
  baseline: 'raw undici Pool.request + text()',
  backend: 'http',
  variants: {
    'raw-pool': rawPool,
    'raw-pool-again': rawPool,
    'mesh-dispatcher': meshRequest,
    'hand-made': handMade,
    'undici-fetch': rawFetch,
    'node-fetch': builtInFetch,
    'mesh-fetch': meshFetch,
  },
};
