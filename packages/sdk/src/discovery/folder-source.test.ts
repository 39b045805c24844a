import { inspect } from 'node:util';
import type { MeshResources } from '@inmesh/core';
import { expect, it } from 'vitest';
import { ConfigFolder } from '../../../../test/support/config-folder.js';
import { keep } from '../../../../test/support/keep.js';
import type { Identity, IdentitySource } from '../identity/identity.js';
import { silentLogger } from '../logger.js';
import { type FolderOptions, FolderSource } from './folder-source.js';

const objects = [
  { kind: 'Service', metadata: { name: 'shop' }, spec: { selector: { app: 'shop' }, ports: [{ port: 80 }] } },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'shop', labels: { 'kubernetes.io/service-name': 'shop' } },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: [{ addresses: ['127.0.0.1'], targetRef: { kind: 'Pod', name: 'shop', namespace: 'default' } }],
  },
  { kind: 'Pod', metadata: { name: 'shop', labels: { app: 'shop' } }, spec: { serviceAccountName: 'buyer' } },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'all', namespace: 'mesh-root' },
    spec: { host: '*.local', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
  },
];

/** An identity that comes when it is told to. */
class LateIdentity {
  current: IdentitySource['current'];
  #tell: ((identity: Identity) => void) | undefined;

  onChange(listener: (identity: Identity) => void): () => void {
    this.#tell = listener;
    return () => {
      this.#tell = undefined;
    };
  }

  come(trustDomain: string): void {
    this.current = { certificate: { identity: { trustDomain } } } as unknown as Identity;
    this.#tell?.(this.current);
  }
}

function open(options: Partial<FolderOptions> = {}, more: readonly object[] = []) {
  const folder = keep(new ConfigFolder());
  folder.write(
    'all.yaml',
    [...objects, ...more].map((object) => JSON.stringify({ apiVersion: 'v1', ...object })).join('\n---\n'),
  );
  const identity = new LateIdentity();
  const source = keep(
    new FolderSource([folder.path], {
      ...{ clusterDomain: 'cluster.local', namespace: 'default', client: { namespace: 'default' } },
      ...{ rootNamespace: 'mesh-root', trustDomain: undefined, logger: silentLogger },
      identity: identity as unknown as IdentitySource,
      ...options,
    }),
  );
  const delivered: MeshResources[] = [];
  source.start((resources) => void delivered.push(resources));
  const named = () =>
    delivered.map((resources) => /spiffe:\/\/[^']+/.exec(inspect(resources.clusters, { depth: null }))?.[0]);
  return { source, identity, named, delivered };
}

const wait = { timeout: 10_000, interval: 5 };

it('The rules of a folder are of the trust domain of the identity, also of one that comes late', async () => {
  const { identity, named } = open();
  await expect.poll(named, wait).toEqual(['spiffe://cluster.local/ns/default/sa/buyer']);
  identity.come('example.org');
  identity.come('example.org');
  expect(named()).toEqual(['spiffe://cluster.local/ns/default/sa/buyer', 'spiffe://example.org/ns/default/sa/buyer']);
});

it('A trust domain that is given counts more', async () => {
  const { identity, named } = open({ trustDomain: 'given.org' });
  await expect.poll(named, wait).toEqual(['spiffe://given.org/ns/default/sa/buyer']);
  identity.come('example.org');
  expect(named()).toHaveLength(1);
});

it('The rules of the whole mesh are those of its root namespace', async () => {
  const { named } = open({ rootNamespace: undefined });
  await expect.poll(() => named().length, wait).toBe(1);
  expect(named()).toEqual([undefined]);
});

it('says once which policies pass by a process that names no labels', async () => {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const policy = {
    ...{ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'viewer' } },
    spec: { selector: { matchLabels: { app: 'shop' } } },
  };
  const opened = [undefined, { app: 'other' }].map((labels) => {
    const client = { namespace: 'default', ...(labels && { labels }) };
    return open({ logger, client }, [policy]).delivered;
  });
  await expect.poll(() => opened.every(({ length }) => length > 0)).toBe(true);
  expect(warnings.filter((line) => line.includes('selector'))).toEqual([
    expect.stringMatching(/do not apply .* names no labels: AuthorizationPolicy default\/viewer .*INMESH_APP/),
  ]);
});
