import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { AnySchema, anyPack } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import {
  AccessLogSchema,
  ClusterSchema,
  GrpcServiceSchema,
  ListenerSchema,
  TlsCertificateSchema,
  UpstreamTlsContextSchema,
} from '../../messages.js';
import { holdsKey } from './holds-key.js';

const key = '-----BEGIN EC PRIVATE KEY-----\nMHc';
const bytesOf = (cluster: MessageInitShape<typeof ClusterSchema>) =>
  toBinary(ClusterSchema, create(ClusterSchema, cluster));

function withTls(privateKey: MessageInitShape<typeof TlsCertificateSchema>['privateKey']): Uint8Array {
  const tlsCertificates = [create(TlsCertificateSchema, { privateKey })];
  const context = create(UpstreamTlsContextSchema, { commonTlsContext: { tlsCertificates } });
  const configType = { case: 'typedConfig' as const, value: anyPack(UpstreamTlsContextSchema, context) };
  return bytesOf({ name: 'a', transportSocket: { name: 'tls', configType } });
}

it.each([
  ['a key as text', withTls({ specifier: { case: 'inlineString', value: key } })],
  ['a key as bytes', withTls({ specifier: { case: 'inlineBytes', value: Buffer.from(key) } })],
  [
    'what is packed and of no known type',
    bytesOf({
      transportSocket: {
        name: 'tls',
        configType: {
          case: 'typedConfig',
          value: create(AnySchema, { typeUrl: 'x/y.Z', value: Buffer.from(key) }),
        },
      },
    }),
  ],
  [
    'a field that is not known',
    Buffer.concat([bytesOf({ name: 'a' }), Buffer.from([0x82, 0x7d, key.length]), Buffer.from(key)]),
  ],
  ['no message at all', Buffer.from(`\xff${key}`, 'latin1')],
])('finds it in %s', (_, bytes) => {
  expect(holdsKey('cluster', bytes)).toBe(true);
});

it('finds it in the credentials of a gRPC service', () => {
  const service = create(GrpcServiceSchema, {
    targetSpecifier: {
      case: 'googleGrpc',
      value: {
        callCredentials: [
          { credentialSpecifier: { case: 'serviceAccountJwtAccess', value: { jsonKey: JSON.stringify({ key }) } } },
        ],
      },
    },
  });
  const configType = { case: 'typedConfig' as const, value: anyPack(GrpcServiceSchema, service) };
  const listener = create(ListenerSchema, { accessLog: [create(AccessLogSchema, { name: 'log', configType })] });
  expect(holdsKey('listener', toBinary(ListenerSchema, listener))).toBe(true);
});

it('finds none in text that is no key’s place, and in the name of a file', () => {
  expect(holdsKey('cluster', bytesOf({ name: key, altStatName: key }))).toBe(false);
  expect(holdsKey('cluster', withTls({ specifier: { case: 'filename', value: '/etc/key.pem' } }))).toBe(false);
});
