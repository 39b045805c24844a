import { describe, expect, it } from 'vitest';
import { issuesOf, load } from '../../test/support.js';

function entry(spec: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api }
spec: { hosts: [api.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], ${spec} }
`;
}

describe('A ServiceEntry', () => {
  it.each([
    [
      'resolution: STATIC, endpoints: [{ address: localhost }]',
      /endpoints\[0\]\.address: "localhost" is not an IP address/,
    ],
    ['resolution: STATIC, endpoints: [{ address: "unix:///a" }]', /endpoints\[0\]\.address: Unix domain sockets/],
    ['resolution: STATIC, endpoints: [{ labels: { a: b } }]', /endpoints\[0\]\.address: is missing/],
    ['resolution: STATIK', /resolution: "STATIK" is none of .* \(did you mean "STATIC"/],
    [
      'resolution: DNS_ROUND_ROBIN, endpoints: [{ address: a }, { address: b }]',
      /endpoints: DNS_ROUND_ROBIN takes one/,
    ],
    [
      'resolution: DNS, endpoints: [{ address: a, ports: { http: 0 } }]',
      /endpoints\[0\]\.ports\.http: 0 is not between 1/,
    ],
    [
      'resolution: DNS, endpoints: [{ address: a, ports: { htp: 8080, http: 8081 } }]',
      /error: .*endpoints\[0\]\.ports\.htp: the entry has no port of the name "htp" \(did you mean "http"\?\)/,
    ],
    [
      'resolution: STATIC, endpoints: [{ address: 10.0.0.1, ports: { toString: 1 } }]',
      /no port of the name "toString"/,
    ],
  ])('is refused: %s', (spec, expected) => {
    expect(issuesOf(entry(spec))).toEqual([expect.stringMatching(expected)]);
  });

  it('for a wildcard cannot be left to DNS', () => {
    expect(issuesOf(entry('resolution: DNS').replace('api.example.com', '"*.example.com"'))).toEqual([
      expect.stringMatching(/error: .*hosts\[0\]: "\*\.example\.com" cannot be resolved by DNS/),
    ]);
  });

  it('for a wildcard with endpoints has a listener for all of its names', () => {
    const text = entry('resolution: STATIC, endpoints: [{ address: 10.0.0.1 }]').replace(
      'api.example.com',
      '"*.example.com"',
    );
    const { resources } = load(text);
    expect([...resources.listeners.keys()]).toEqual(['*.example.com:80']);
    expect(resources.routes.get('*.example.com:80')?.virtualHosts[0]?.domains).toEqual([
      '*.example.com',
      '*.example.com:80',
    ]);
  });

  it('of a protocol that nobody knows is refused', () => {
    expect(issuesOf(entry('resolution: DNS').replace('protocol: HTTP', 'protocol: QUIC'))).toEqual([
      expect.stringMatching(/ports\[0\]\.protocol: "QUIC" is none of/),
    ]);
  });
});
