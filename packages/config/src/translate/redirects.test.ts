import { describe, expect, it } from 'vitest';
import { buildRedirect, samePath } from './redirects.js';

describe('The port of a redirect', () => {
  const portOf = (port: number | undefined, scheme: 'http' | 'https' | undefined, dialled: number, host = '') =>
    buildRedirect({ scheme, host, port, path: samePath, status: 301, dialled }).portRedirect;

  it.each([
    ['is told when it is no default', 8443, 'https', 80, '', 8443],
    ['is left out when it is the default of the new scheme', 443, 'https', 80, '', 0],
    ['is left out when it is the default of http', 80, undefined, 80, '', 0],
    ['is told when it is the default of the other scheme', 443, 'http', 80, '', 443],
    ['is left out beside another host, which has no port', 443, 'https', 8080, 'a.com', 0],
    ['is told when the port of the request would stay there', 443, 'https', 8080, '', 443],
    ['is that of the request when none is given', undefined, 'https', 8080, '', 0],
  ] as const)('%s', (_, port, scheme, dialled, host, expected) => {
    expect(portOf(port, scheme, dialled, host)).toBe(expected);
  });
});
