import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerCertificate } from 'node:tls';
import { Pool } from 'undici';
import { idOfBackend } from '../identities.js';
import { meshOf } from './mesh.js';
import { path, type Suite, type Variant } from './variant.js';

const tlsRule = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec: { host: reviews, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["${idOfBackend}"] } } }
`;

/** Checks the same name as the mesh's side does. */
const isBackend = (_host: string, { subjectaltname }: PeerCertificate) =>
  subjectaltname === `URI:${idOfBackend}` ? undefined : new Error(`the server is ${subjectaltname}`);

const rawPool: Variant = async ({ port, identities }) => {
  const read = (name: string) => readFileSync(join(identities, 'client', name));
  const [cert, key, ca] = ['cert-chain.pem', 'key.pem', 'root-cert.pem'].map(read);
  const connect = { cert, key, ca, checkServerIdentity: isBackend } as Pool.Options['connect'];
  const pool = new Pool(`https://127.0.0.1:${port}`, { connections: null, connect });
  return async () => {
    const { body } = await pool.request({ path, method: 'GET', headers: ['host', 'reviews:9080'] });
    await body.text();
  };
};

const meshRequest: Variant = async ({ port, identities }) => {
  const { dispatcher } = await meshOf(port, tlsRule, { identity: join(identities, 'client') });
  return async () => {
    const { body } = await dispatcher.request({ origin: 'http://reviews:9080', path, method: 'GET' });
    await body.text();
  };
};

export const mtls: Suite = {
  baseline: 'raw undici Pool.request + text() over mutual TLS',
  backend: 'mtls',
  variants: { 'raw-pool': rawPool, 'raw-pool-again': rawPool, 'mesh-dispatcher': meshRequest },
};
