import { describe, expect, it } from 'vitest';
import { type MeshOptions, resolveOptions } from './options.js';

function clientOf(options: MeshOptions, variables: Record<string, string> = {}, files: Record<string, string> = {}) {
  return resolveOptions(options, { variables, readFile: (path) => files[path] }).client;
}

describe('Who the client is', () => {
  it('is its namespace where nothing else is known', () => {
    expect(clientOf({})).toEqual({ namespace: 'default' });
  });

  it('comes from the environment', () => {
    const variables = {
      POD_NAMESPACE: 'shop',
      INMESH_LABELS: 'app=web, tier=a',
      INMESH_LOCALITY: 'eu/eu-1/a',
      NODE_NAME: 'n1',
      INMESH_EGRESS: 'REGISTRY_ONLY',
    };
    expect(clientOf({}, variables)).toEqual({
      namespace: 'shop',
      labels: { app: 'web', tier: 'a' },
      locality: { region: 'eu', zone: 'eu-1', subZone: 'a' },
      nodeName: 'n1',
      egress: 'REGISTRY_ONLY',
    });
  });

  it("has the address of its pod, by our name or Istio's", () => {
    const addressOf = (variables: Record<string, string>) =>
      resolveOptions({}, { variables, readFile: () => undefined }).workload.podIp;
    expect(addressOf({ POD_IP: '10.0.0.1', INSTANCE_IP: '10.0.0.2' })).toBe('10.0.0.1');
    expect(addressOf({ INSTANCE_IP: '10.0.0.2' })).toBe('10.0.0.2');
  });

  it('comes from options first', () => {
    const variables = { INMESH_LABELS: 'app=web', INMESH_LOCALITY: 'eu', INMESH_EGRESS: 'REGISTRY_ONLY' };
    const options = { labels: { app: 'b' }, locality: 'us/us-1', egress: 'ALLOW_ANY', namespace: 'x' } as const;
    expect(clientOf(options, variables)).toEqual({
      namespace: 'x',
      labels: { app: 'b' },
      locality: { region: 'us', zone: 'us-1', subZone: '' },
      egress: 'ALLOW_ANY',
    });
  });

  it('has the labels of the downward API, besides its app and version', () => {
    const files = { '/etc/podinfo/labels': 'tier="a"\nnote="say \\"hi\\""\nversion="v2"\nbroken\n' };
    expect(clientOf({ workload: { app: 'web', version: 'v1' } }, {}, files).labels).toEqual({
      app: 'web',
      version: 'v2',
      tier: 'a',
      note: 'say "hi"',
    });
  });

  it.each<[MeshOptions, Record<string, string>, string]>([
    [{ locality: 'a/b/c/d' }, {}, 'locality: "a/b/c/d" is not region/zone/subzone'],
    [{}, { INMESH_LOCALITY: '/b' }, 'INMESH_LOCALITY: "/b" is not region/zone/subzone'],
    [{}, { INMESH_LABELS: 'a=b,c' }, 'INMESH_LABELS: "c" is not key=value'],
    [{}, { INMESH_EGRESS: 'NONE' }, 'INMESH_EGRESS: "NONE" is neither ALLOW_ANY nor REGISTRY_ONLY'],
    [{ egress: 'x' } as unknown as MeshOptions, {}, 'egress: "x" is neither ALLOW_ANY nor REGISTRY_ONLY'],
    [{ labels: ['a'] } as unknown as MeshOptions, {}, 'labels: not a table of texts, as in { app: "shop" }'],
  ])('is checked: %o %o', (options, variables, problem) => {
    expect(() => clientOf(options, variables)).toThrow(problem);
  });
});
