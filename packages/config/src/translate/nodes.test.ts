import type { ClusterLoadAssignment } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { loadWith } from '../../test/support.js';
import type { ClientView } from '../client.js';

const nodes = `---
apiVersion: v1
kind: Node
metadata: { name: n1, labels: { topology.kubernetes.io/region: north, topology.kubernetes.io/zone: a } }
---
apiVersion: v1
kind: Node
metadata: { name: n2, labels: { topology.kubernetes.io/region: north, topology.kubernetes.io/zone: b } }
---
apiVersion: v1
kind: Node
metadata: { name: n3, labels: { topology.kubernetes.io/region: south, topology.kubernetes.io/zone: c } }
`;

const service = `---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { trafficDistribution: PreferClose, ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: shop-1, labels: { kubernetes.io/service-name: shop } }
addressType: IPv4
ports: [{ port: 8080 }]
endpoints:
  - { addresses: [10.0.0.1], nodeName: n1, zone: a }
  - { addresses: [10.0.0.2], nodeName: n2 }
  - { addresses: [10.0.0.3], nodeName: n3, zone: elsewhere }
  - { addresses: [10.0.0.4], nodeName: unknown, zone: d }
`;

function placed(client: Partial<ClientView>, ...texts: string[]) {
  const { resources, client: asked } = loadWith({ client: { namespace: 'default', ...client } }, ...texts);
  const [assignment] = [...resources.assignments.values()] as [ClusterLoadAssignment];
  const localities = assignment.endpoints.map(({ priority, locality }) => {
    const { region, zone } = locality!;
    return `${priority} ${region}/${zone}`;
  });
  return { localities, asked };
}

describe('the Nodes of a cluster', () => {
  it('say where endpoints are, unless the endpoint itself says something else', () => {
    expect(placed({}, service).localities).toEqual(['0 /', '1 /a', '1 /d', '1 /elsewhere']);
    const known = ['0 /d', '0 /elsewhere', '1 north/a', '1 north/b'];
    expect(placed({}, service, nodes).localities).toEqual(known);
  });

  it('say where a client is that does not say so itself', () => {
    const { localities, asked } = placed({ nodeName: 'n2' }, service, nodes);
    expect(localities).toEqual(['0 north/b', '1 /d', '1 /elsewhere', '1 north/a']);
    expect(asked).toMatchObject({ locality: true, nodeName: true });
    const told = placed({ nodeName: 'n2', locality: { region: 'north', zone: 'a', subZone: '' } }, service, nodes);
    expect(told.localities[0]).toBe('0 north/a');
    expect(told.asked).toMatchObject({ locality: true, nodeName: false });
  });

  it('are asked of no client where none is known', () => {
    expect(placed({ nodeName: 'n2' }, service).asked).toMatchObject({ locality: true, nodeName: false });
  });
});
