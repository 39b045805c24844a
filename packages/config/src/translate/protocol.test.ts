import { describe, expect, it } from 'vitest';
import { protocolNamed, protocolOfPort } from './protocol.js';

describe('The protocol of a port', () => {
  it.each([
    ['', 'http'],
    ['constructor', 'http'],
    ['web', 'http'],
    ['http', 'http'],
    ['http-admin', 'http'],
    ['HTTP2-x', 'http2'],
    ['grpc', 'http2'],
    ['grpc-web', 'http2'],
    ['grpc-web-x', 'http2'],
    ['https', 'opaque'],
    ['tcp-x', 'opaque'],
    ['mongo', 'opaque'],
    ['redis-cache', 'opaque'],
    ['mysql', 'opaque'],
    ['tls', 'opaque'],
  ])('of the name "%s" is %s', (name, protocol) => {
    expect(protocolOfPort(80, name, undefined)).toBe(protocol);
  });

  it('is what appProtocol says, whatever the name', () => {
    expect(protocolOfPort(80, 'tcp', 'http')).toBe('http');
    expect(protocolOfPort(80, 'http', 'kubernetes.io/h2c')).toBe('http2');
    expect(protocolOfPort(80, 'http', 'kubernetes.io/wss')).toBe('opaque');
  });

  it('is not HTTP for a well-known port whose server speaks first', () => {
    expect(protocolOfPort(3306, 'db', undefined)).toBe('opaque');
    expect(protocolOfPort(3306, 'http', undefined)).toBe('http');
  });

  it('is named in a ServiceEntry, in upper or lower case', () => {
    expect(['HTTP', 'grpc', 'TLS', '', 'QUIC'].map(protocolNamed)).toEqual([
      'http',
      'http2',
      'opaque',
      'http',
      undefined,
    ]);
  });
});
