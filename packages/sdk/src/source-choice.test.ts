import { describe, expect, it } from 'vitest';
import { type MeshOptions, resolveOptions } from './options.js';

type Variables = Record<string, string>;

function resolve(options: MeshOptions, variables: Variables = {}, files: Record<string, string> = {}) {
  return resolveOptions(options, { variables, readFile: (path) => files[path] }).source;
}

/** The servers in their order, or the kind of another source. */
function chosen(options: MeshOptions, variables?: Variables, files?: Record<string, string>): string | string[] {
  const source = resolve(options, variables, files);
  return source.kind === 'xds' ? source.bootstrap.servers.map(({ serverUri }) => serverUri) : source.kind;
}

function bootstrapText(serverUri: string): string {
  return JSON.stringify({ xds_servers: [{ server_uri: serverUri, channel_creds: [{ type: 'insecure' }] }] });
}

const everything: Variables = {
  INMESH_XDS: 'env:1',
  GRPC_XDS_BOOTSTRAP: '/etc/bootstrap.json',
  GRPC_XDS_BOOTSTRAP_CONFIG: bootstrapText('inline:1'),
  INMESH_CONFIG: '/etc/mesh',
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
};
const files = { '/etc/bootstrap.json': bootstrapText('file:1') };

function without(...names: (keyof typeof everything)[]): Variables {
  return Object.fromEntries(Object.entries(everything).filter(([name]) => !names.includes(name)));
}

describe('Where configuration comes from', () => {
  it('is shown the identity of the workload with tls://', () => {
    const source = resolve({ xds: ['tls://safe:1', 'open:2'] });
    const servers = source.kind === 'xds' ? source.bootstrap.servers : [];
    expect(servers.map(({ serverUri, credentials }) => [serverUri, credentials.kind])).toEqual([
      ['safe:1', 'identity'],
      ['open:2', 'insecure'],
    ]);
  });

  it('is the first that is there', () => {
    expect(chosen({ xds: 'given:1' }, everything, files)).toEqual(['given:1']);
    expect(chosen({ config: '/given' }, everything, files)).toBe('files');
    expect(chosen({}, everything, files)).toEqual(['env:1']);
    expect(chosen({}, without('INMESH_XDS'), files)).toEqual(['file:1']);
    expect(chosen({}, without('INMESH_XDS', 'GRPC_XDS_BOOTSTRAP'), files)).toEqual(['inline:1']);
    const noBootstrap = without('INMESH_XDS', 'GRPC_XDS_BOOTSTRAP', 'GRPC_XDS_BOOTSTRAP_CONFIG');
    expect(chosen({}, noBootstrap)).toBe('files');
    expect(chosen({}, { KUBERNETES_SERVICE_HOST: '10.0.0.1' })).toBe('in-cluster');
    expect(chosen({})).toBe('dns');
  });

  it('may be several servers, by the option and by INMESH_XDS', () => {
    expect(chosen({ xds: ['a:1', 'b:1'] })).toEqual(['a:1', 'b:1']);
    expect(chosen({}, { INMESH_XDS: 'a:1, b:1' })).toEqual(['a:1', 'b:1']);
  });

  it('may be a bootstrap given in code', () => {
    expect(chosen({ xds: JSON.parse(bootstrapText('code:1')) })).toEqual(['code:1']);
  });

  it('is not read when it is not chosen, however broken it is', () => {
    const broken = { GRPC_XDS_BOOTSTRAP_CONFIG: '{' };
    expect(chosen({ xds: 'given:1' }, broken)).toEqual(['given:1']);
    expect(chosen({}, { ...broken, INMESH_XDS: 'env:1' })).toEqual(['env:1']);
  });

  it.each<[string, MeshOptions, Variables, string]>([
    ['an option of another type', { xds: 7 as never }, {}, 'xds: not a string host:port, a list of them, or'],
    ['an address without a port', { xds: ['a:1', 'b'] }, {}, 'xds: "b" is not host:port'],
    ['an empty list', { xds: [] }, {}, 'xds: names no server'],
    ['a broken address in the environment', {}, { INMESH_XDS: 'a:1,' }, 'INMESH_XDS: "" is not host:port'],
    ['a broken bootstrap in code', { xds: { xds_servers: [] } }, {}, 'xds: xds_servers: names no server'],
    ['a missing file', {}, { GRPC_XDS_BOOTSTRAP: '/no' }, 'GRPC_XDS_BOOTSTRAP: /no cannot be read: there is no such'],
    ['text that is not JSON', {}, { GRPC_XDS_BOOTSTRAP_CONFIG: '{' }, 'GRPC_XDS_BOOTSTRAP_CONFIG: is not JSON'],
  ])('says what is wrong with %s', (_what, options, variables, message) => {
    expect(() => resolve(options, variables)).toThrow(message);
  });

  it('says why a bootstrap file cannot be read, and in which file something is wrong', () => {
    const readFile = (path: string) => {
      if (path === '/etc') throw new Error('EISDIR: illegal operation on a directory, read');
      return undefined;
    };
    const variables = { GRPC_XDS_BOOTSTRAP: '/etc' };
    expect(() => resolveOptions({}, { variables, readFile })).toThrow('/etc cannot be read: EISDIR');
    expect(() => resolve({}, { GRPC_XDS_BOOTSTRAP: '/b' }, { '/b': '{"node": 1}' })).toThrow(
      'GRPC_XDS_BOOTSTRAP (/b): xds_servers: names no server; GRPC_XDS_BOOTSTRAP (/b): node: is not an object',
    );
  });
});
