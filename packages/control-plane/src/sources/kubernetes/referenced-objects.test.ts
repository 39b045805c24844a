import { expect, it } from 'vitest';
import type { ClusterObject } from './cluster-object.js';
import { referencedConfigMaps } from './referenced-config-maps.js';
import { referencedSecrets } from './referenced-secrets.js';

function object(namespace: string, spec: unknown): ClusterObject {
  return { metadata: { name: 'a', namespace }, spec };
}

it('of ConfigMaps those are wanted that a BackendTLSPolicy names, in its namespace alone', () => {
  const refs = (...caCertificateRefs: unknown[]) => ({ validation: { caCertificateRefs } });
  const map = { group: '', kind: 'ConfigMap', name: 'ca' };
  const policies = [
    object('shop', refs(map, { ...map, kind: 'Secret', name: 'other' }, 'junk', { kind: 'ConfigMap', name: 5 })),
    object('bank', refs(map)),
    object('bank', { validation: { wellKnownCACertificates: 'System' } }),
    object('bank', 'junk'),
  ];
  expect([...referencedConfigMaps(policies)]).toEqual([
    ['shop/ca', { name: 'ca', namespaces: ['shop'] }],
    ['bank/ca', { name: 'ca', namespaces: ['bank'] }],
  ]);
});

it('of Secrets those are wanted that a DestinationRule names, in all namespaces, with their authorities', () => {
  const trafficPolicy = { portLevelSettings: [{ tls: { credentialName: 'bank' } }] };
  expect([...referencedSecrets([object('shop', { trafficPolicy })], ['shop', 'bank'])]).toEqual([
    ['bank', { name: 'bank', namespaces: ['shop', 'bank'] }],
    ['bank-cacert', { name: 'bank-cacert', namespaces: ['shop', 'bank'] }],
  ]);
});
