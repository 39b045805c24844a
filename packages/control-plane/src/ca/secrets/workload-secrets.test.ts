import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { PeerIdentity } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import type { Secret } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../../../test/support/keep.js';
import { identityOf, opensslVerify } from '../../../test/support/ca.js';
import type { CertificateOutcome } from '../certificate-service.js';
import { IdentityLimit } from '../identity-limit.js';
import { openAuthority } from '../open-authority.js';
import { WorkloadSecrets } from './workload-secrets.js';

const start = Date.UTC(2026, 0, 1);
const dayMs = 24 * 3_600_000;
const phaseMs = 60_000;
const reviews = identityOf('spiffe://cluster.local/ns/default/sa/reviews');
const shop = identityOf('spiffe://cluster.local/ns/default/sa/shop');
const listed = { version: '', resources: new Map() };

async function begin({ draw = 0.5, burst = 100, validityMs = 0 } = {}) {
  const clock = new FakeClock(start);
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const tools = { clock, now: () => clock.now(), logger: { info: log, warn: log, error: log } };
  const authority = keep(await openAuthority({ phaseMs }, tools));
  const outcomes: CertificateOutcome[] = [];
  const limit = new IdentityLimit({ burst, perSecond: 0.1, now: tools.now });
  const count = (outcome: CertificateOutcome) => void outcomes.push(outcome);
  const secrets = keep(new WorkloadSecrets({ ...tools, authority, limit, count, random: () => draw, validityMs }));
  /** Whatever is asked of WebCrypto takes real time. */
  const made = (count: number) => expect.poll(() => outcomes.length, { interval: 1 }).toBe(count);
  return { clock, authority, secrets, outcomes, lines, made };
}

/** A stream that wants these names. */
function follow(secrets: WorkloadSecrets, identity: PeerIdentity | undefined, ...names: string[]) {
  let news = 0;
  let wanted = names;
  const view = secrets.sourceFor(identity).open(() => {
    news += 1;
  });
  const look = () => view.look((name) => wanted.includes(name))?.over(listed);
  const find = (name: string) => look()?.onDemand?.get(name)?.message as Secret | undefined;
  return {
    look,
    find,
    want: (...next: string[]) => {
      wanted = next;
      look();
    },
    news: () => news,
    close: () => view.close(),
  };
}

function pairIn(secret: Secret | undefined) {
  if (secret?.type.case !== 'tlsCertificate') throw new Error('there is no certificate');
  const { certificateChain, privateKey } = secret.type.value;
  const [chain, key] = [certificateChain, privateKey].map((source) =>
    Buffer.from(source!.specifier.value as Uint8Array),
  );
  const blocks = chain!
    .toString()
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((block) => block !== '');
  return { chain: blocks, leaf: new X509Certificate(blocks[0]!), key: createPrivateKey(key!) };
}

function rootsIn(secret: Secret | undefined): string {
  if (secret?.type.case !== 'validationContext') throw new Error('there are no roots');
  return Buffer.from(secret.type.value.trustedCa!.specifier.value as Uint8Array).toString();
}

describe('A stream that has proved an identity', () => {
  it('is given a key and the certificate of that identity, and every root', async () => {
    const { secrets, authority, made } = await begin();
    const stream = follow(secrets, reviews, 'default', 'ROOTCA');
    expect(stream.look()).toBeUndefined();
    await made(1);
    expect(stream.news()).toBe(1);
    const { chain, leaf, key } = pairIn(stream.find('default'));
    expect(leaf.subjectAltName).toBe(`URI:${reviews.spiffeId}`);
    expect(leaf.checkPrivateKey(key)).toBe(true);
    expect(key.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(rootsIn(stream.find('ROOTCA'))).toBe(authority.roots.join(''));
    expect(opensslVerify({ chain, roots: authority.roots }, start)).toBe(true);
    expect(stream.look()).toBe(stream.look());
  });

  it('shares them with others of the same identity, and with no others', async () => {
    const { secrets, made } = await begin();
    const [one, two, other] = [reviews, reviews, shop].map((identity) => follow(secrets, identity, 'default'));
    for (const stream of [one, two, other]) stream!.look();
    await made(2);
    expect(one!.find('default')).toBe(two!.find('default'));
    expect(pairIn(other!.find('default')).leaf.subjectAltName).toBe(`URI:${shop.spiffeId}`);
  });

  it('costs nothing before it names the certificate, and after the last one has left', async () => {
    const { secrets, made, clock, outcomes } = await begin();
    const timers = clock.pendingTimers;
    const [one, two, idle] = [follow(secrets, reviews), follow(secrets, reviews), follow(secrets, reviews, 'ROOTCA')];
    expect(idle.find('ROOTCA')).toBeDefined();
    expect(idle.find('default')).toBeUndefined();
    expect(secrets.size).toBe(0);
    one.want('default');
    two.want('default');
    await made(1);
    one.close();
    expect(secrets.size).toBe(1);
    two.want('ROOTCA');
    one.want('default');
    expect(secrets.size).toBe(0);
    expect(clock.pendingTimers).toBe(timers);
    clock.advance(dayMs);
    expect(outcomes).toEqual(['issued']);
  });

  it('that has left while its certificate was made leaves nothing behind', async () => {
    const { secrets, made, clock } = await begin();
    const timers = clock.pendingTimers;
    const stream = follow(secrets, reviews, 'default');
    stream.look();
    stream.close();
    const other = follow(secrets, shop, 'default');
    other.look();
    await made(1);
    other.close();
    expect(clock.pendingTimers).toBe(timers);
  });

  it.each([
    [0, 0.45],
    [0.5, 0.5],
    [0.999_999, 0.55],
  ])('is given another at the half of its life, give or take a bit (%d)', async (draw, part) => {
    const { secrets, made, clock, outcomes } = await begin({ draw });
    const stream = follow(secrets, reviews, 'default');
    stream.look();
    await made(1);
    const first = pairIn(stream.find('default'));
    clock.advance(dayMs * part - 1000);
    expect(outcomes).toHaveLength(1);
    clock.advance(1000);
    await made(2);
    expect(stream.news()).toBe(2);
    const second = pairIn(stream.find('default'));
    expect(second.leaf.serialNumber).not.toBe(first.leaf.serialNumber);
    expect(second.leaf.checkPrivateKey(first.key)).toBe(false);
  });

  it('is given one that lasts as long as the server was told', async () => {
    const { secrets, made } = await begin({ validityMs: 60_000 });
    const stream = follow(secrets, reviews, 'default');
    stream.look();
    await made(1);
    expect(Date.parse(pairIn(stream.find('default')).leaf.validTo)).toBe(start + 60_000);
  });
});

describe('A change of roots', () => {
  it('is told at once, and the leaf is made anew when the new one signs', async () => {
    const { secrets, authority, made, clock, outcomes } = await begin();
    const [leaf, idle] = [follow(secrets, reviews, 'default'), follow(secrets, undefined, 'ROOTCA')];
    leaf.look();
    await made(1);
    const old = rootsIn(idle.find('ROOTCA'));
    const first = leaf.find('default');
    await authority.rotate();
    expect(idle.news()).toBe(1);
    expect(rootsIn(idle.find('ROOTCA')).startsWith(old)).toBe(true);
    expect(authority.roots).toHaveLength(2);
    expect(rootsIn(leaf.find('ROOTCA'))).toBe(authority.roots.join(''));
    expect(leaf.find('default')).toBe(first);
    clock.advance(phaseMs);
    await authority.refresh();
    clock.advance(999);
    expect(outcomes).toHaveLength(1);
    clock.advance(1);
    await made(2);
    const [root] = authority.roots;
    expect(root).not.toBe(old);
    expect(opensslVerify({ chain: pairIn(leaf.find('default')).chain, roots: [root!] }, clock.now())).toBe(true);
  });
});

describe('An identity that asks too much', () => {
  it('is told that it has none, said once, and given one when it may have it', async () => {
    const { secrets, made, clock, outcomes, lines } = await begin({ burst: 1, draw: 1 });
    const first = follow(secrets, reviews, 'default');
    first.look();
    await made(1);
    first.close();
    const stream = follow(secrets, reviews, 'default');
    stream.look();
    await made(2);
    expect(stream.news()).toBe(1);
    expect(stream.find('default')).toBeUndefined();
    expect(stream.find('ROOTCA')).toBeDefined();
    for (const [index, waitMs] of [1000, 2000, 4000].entries()) {
      clock.advance(waitMs - 1);
      expect(outcomes).toHaveLength(index + 2);
      clock.advance(1);
      await made(index + 3);
    }
    expect(lines).toEqual([expect.stringContaining('"reason":"rate_limited"')]);
    clock.advance(8000);
    await made(6);
    expect(outcomes.at(-1)).toBe('issued');
    expect(pairIn(stream.find('default')).leaf.subjectAltName).toBe(`URI:${reviews.spiffeId}`);
  });
});

it('A stream that has proved nothing is told the roots and given no certificate', async () => {
  const { secrets, outcomes } = await begin();
  const stream = follow(secrets, undefined, 'default', 'ROOTCA');
  expect(stream.find('default')).toBeUndefined();
  expect(stream.find('ROOTCA')).toBeDefined();
  expect([secrets.size, outcomes]).toEqual([0, []]);
});
