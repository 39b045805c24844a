import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isIpAddress } from './ip-address.js';

describe('An IP address', () => {
  it.each([
    ...['127.0.0.1', '0.0.0.0', '255.255.255.255', '::1', 'fd00::1', '2001:db8::192.0.2.1', '::'],
    ...[
      '256.0.0.1',
      '1.2.3',
      '01.2.3.4',
      'localhost',
      '',
      ':',
      'g::1',
      '1:2',
      '[::1]',
      '::1]/x',
      '::1%eth0',
      '1.2.3.4:80',
    ],
  ])('is told from other texts as Node does: "%s"', (text) => {
    expect(isIpAddress(text)).toBe(isIP(text) !== 0 && !text.includes('%'));
  });
});
