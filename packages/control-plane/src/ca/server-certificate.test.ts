import { X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { FakeClock } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { openAuthority } from './open-authority.js';
import { ServerCertificate } from './server-certificate.js';

const logger = { info() {}, warn() {}, error() {} };

it('is for its names, and is made anew at the half of its life and with a new root', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const tools = { clock, now: () => clock.now(), logger };
  const authority = await openAuthority({}, tools);
  const used: SecureContextOptions[] = [];
  const hosts = ['localhost', '127.0.0.1', '::1'];
  const use = (context: SecureContextOptions) => used.push(context);
  const certificate = await ServerCertificate.start({ ...tools, authority, hosts, use });
  const leafOf = (context: SecureContextOptions | undefined) => new X509Certificate(String(context?.cert));
  expect(leafOf(used[0]).subjectAltName).toBe(
    'URI:spiffe://cluster.local/ns/inmesh-system/sa/inmesh, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  clock.advance(12 * 3_600_000 - 1);
  expect(used).toHaveLength(1);
  clock.advance(1);
  await expect.poll(() => used.length).toBe(2);
  expect(leafOf(used[1]).serialNumber).not.toBe(leafOf(used[0]).serialNumber);
  await authority.rotate();
  await expect.poll(() => used.length).toBe(3);
  expect(used[2]!.ca).toEqual(authority.roots);
  certificate.close();
  authority.close();
  await expect.poll(() => clock.pendingTimers).toBe(0);
});
