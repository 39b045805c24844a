import { FakeClock } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { identityOf, makeCsr, opensslVerify } from '../../test/support/ca.js';
import { ApiModel, failure } from '../../test/support/kubernetes/api-model.js';
import { KubernetesClient } from '../kubernetes/client/client.js';
import type { CertificateAuthority } from './authority.js';
import { openAuthority } from './open-authority.js';
import { requestSecretRotation } from './secret-store.js';

const start = Date.UTC(2026, 0, 1);
const dayMs = 24 * 3_600_000;
const secret = { namespace: 'mesh', name: 'inmesh-ca' };
const open: CertificateAuthority[] = [];

afterEach(() => {
  for (const authority of open.splice(0)) authority.close();
});

function cluster() {
  const model = new ApiModel();
  const clock = new FakeClock(start);
  const lines: string[] = [];
  const log = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: log, warn: log, error: log };
  const kubernetes = new KubernetesClient({ transport: model, clock, random: () => 0 });
  const begin = async () => {
    const authority = await openAuthority({ secret }, { clock, now: () => clock.now(), logger, kubernetes });
    open.push(authority);
    return authority;
  };
  const kept = () => model.stored.get('/api/v1/secrets', 'mesh/inmesh-ca') as KeptSecret | undefined;
  return { model, clock, lines, kubernetes, begin, kept };
}

interface KeptSecret {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly annotations?: object };
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

function stateOf(kept: KeptSecret | undefined): { readonly kind: string } {
  return JSON.parse(Buffer.from(kept?.data['authority.json'] ?? '', 'base64').toString('utf8')) as { kind: string };
}

describe('A Secret of an authority', () => {
  it('is made, opaque and with one key, and opened again with the same root', async () => {
    const { begin, kept } = cluster();
    const one = await begin();
    expect(kept()).toMatchObject({ type: 'Opaque', metadata: secret });
    expect(Object.keys(kept()?.data ?? {})).toEqual(['authority.json']);
    const other = await begin();
    expect(other.roots).toEqual(one.roots);
    const signed = await other.sign((await makeCsr()).csr, identityOf('spiffe://cluster.local/ns/a/sa/b'));
    expect(signed.ok && opensslVerify({ chain: signed.chain, roots: one.roots }, start)).toBe(true);
  });

  it('is given one root when two servers begin at once', async () => {
    const { begin } = cluster();
    const [one, other] = await Promise.all([begin(), begin()]);
    expect(one.roots).toEqual(other.roots);
  });

  it('is changed by one of the servers, and the others follow', async () => {
    const { begin, kept, clock } = cluster();
    const [one, other] = await Promise.all([begin(), begin()]);
    const told: readonly string[][] = [];
    other.onChange(() => (told as string[][]).push([...other.roots]));
    await one.rotate();
    expect(one.roots).toHaveLength(2);
    expect(other.roots).toHaveLength(1);
    await clock.advanceAsync(10_000);
    await other.refresh();
    expect(other.roots).toEqual(one.roots);
    expect(told).toEqual([[...one.roots]]);
    expect(stateOf(kept()).kind).toBe('announcing');
  });

  it('has one next root when two servers begin the change at once', async () => {
    const { begin } = cluster();
    const [one, other] = await Promise.all([begin(), begin()]);
    await Promise.all([one.rotate(), other.rotate()]);
    expect(one.roots).toHaveLength(2);
    expect(other.roots).toEqual(one.roots);
  });

  it('goes through a change of roots once, whoever of the servers does it', async () => {
    const { begin, clock, kept } = cluster();
    const servers = await Promise.all([begin(), begin(), begin()]);
    const [first] = servers[0]!.roots;
    await servers[1]!.rotate();
    const kinds = new Set<string>();
    for (let hour = 0; hour < 50; hour += 1) {
      clock.advance(dayMs / 24);
      await Promise.all(servers.map((server) => server.refresh()));
      kinds.add(stateOf(kept()).kind);
      await Promise.all(servers.map((server) => server.refresh()));
      for (const server of servers) expect(server.roots).toEqual(servers[0]!.roots);
    }
    expect([...kinds]).toEqual(['announcing', 'retiring', 'steady']);
    expect(servers[0]!.roots).toHaveLength(1);
    expect(servers[0]!.roots).not.toContain(first);
  });

  it('is asked for another root by an annotation, once', async () => {
    const { begin, kubernetes, kept, model } = cluster();
    const [one, other] = await Promise.all([begin(), begin()]);
    await requestSecretRotation(kubernetes, secret, start);
    expect(kept()?.metadata.annotations).toEqual({ 'inmesh.io/rotate-requested': '2026-01-01T00:00:00.000Z' });
    await Promise.all([one.refresh(), other.refresh()]);
    await Promise.all([one.refresh(), other.refresh()]);
    expect(one.roots).toHaveLength(2);
    expect(other.roots).toEqual(one.roots);
    expect(kept()?.metadata.annotations).toEqual({});
    const writes = model.requests.filter(({ method }) => method === 'PUT').length;
    await Promise.all([one.refresh(), other.refresh()]);
    expect(model.requests.filter(({ method }) => method === 'PUT')).toHaveLength(writes);
  });

  it('that is not there cannot be asked for another root', async () => {
    const { kubernetes } = cluster();
    await expect(requestSecretRotation(kubernetes, secret, start)).rejects.toThrow(
      'there is no certificate authority of inmesh in the Secret mesh/inmesh-ca',
    );
  });

  it('keeps what others have written into it', async () => {
    const { begin, kept, model } = cluster();
    const authority = await begin();
    const now = kept()!;
    const metadata = { ...now.metadata, labels: { team: 'x' } };
    model.stored.set('/api/v1/secrets', 'mesh/inmesh-ca', {
      ...now,
      metadata,
      data: { ...now.data, note: 'eA==' },
    } as never);
    await authority.refresh();
    await authority.rotate();
    expect(kept()).toMatchObject({ metadata: { labels: { team: 'x' } }, data: { note: 'eA==' } });
    expect(stateOf(kept()).kind).toBe('announcing');
  });

  it('is put back when somebody has deleted it', async () => {
    const { begin, kept, model } = cluster();
    const authority = await begin();
    const before = stateOf(kept());
    model.stored.delete('/api/v1/secrets', 'mesh/inmesh-ca');
    await authority.refresh();
    expect(stateOf(kept())).toEqual(before);
  });

  it('signs on through an outage, which is told once', async () => {
    const { begin, model, lines } = cluster();
    const authority = await begin();
    model.isDown = true;
    for (let look = 0; look < 5; look += 1) await authority.refresh();
    expect(lines).toEqual([
      expect.stringMatching(/cannot be renewed.*the Secret mesh\/inmesh-ca cannot be used: .*ECONN/),
    ]);
    const { csr } = await makeCsr();
    expect(await authority.sign(csr, identityOf('spiffe://cluster.local/ns/a/sa/b'))).toMatchObject({ ok: true });
  });

  it.each([
    ['GET', '{"apiGroups":[""],"resources":["secrets"],"resourceNames":["inmesh-ca"],"verbs":["get","update"]}'],
    ['POST', '{"apiGroups":[""],"resources":["secrets"],"verbs":["create"]}'],
  ])('that may not be used (%s) is refused with the rule that is missing', async (method, rule) => {
    const { begin, model } = cluster();
    model.intercept = (request) => (request.method === method ? failure(403, 'Forbidden', 'no') : undefined);
    await expect(begin()).rejects.toThrow(`bind the service account to a Role in namespace mesh with the rule ${rule}`);
  });

  it('that was removed while another server began is a planned change to its root, which nobody is cut off by', async () => {
    const { model, clock, begin, kept, lines } = cluster();
    const [one, other] = [await begin(), await begin()];
    const before = one.roots;
    model.stored.delete('/api/v1/secrets', 'mesh/inmesh-ca');
    const third = await begin();
    const [made] = third.roots;
    expect(made).not.toBe(before[0]);
    for (const authority of [one, other, third]) await authority.refresh();
    for (const { roots } of [one, other, third]) expect(roots).toEqual([before[0], made]);
    expect(third.signedBy).toBe(one.signedBy);
    expect(stateOf(kept()).kind).toBe('announcing');
    expect(lines.filter((line) => line.includes('does not know our root'))).toEqual([
      'the certificate authority in the Secret mesh/inmesh-ca is another one that does not know our root: it was removed ' +
        'while a server began, or restored from an old backup. Both roots are trusted now, and a planned change to the ' +
        'other one has begun. To stay with ours, restore a backup that has it before the new root signs undefined',
    ]);
    clock.advance(dayMs);
    await one.refresh();
    expect(one.roots).toEqual([made, before[0]]);
    clock.advance(dayMs);
    await one.refresh();
    expect(one.roots).toEqual([made]);
  });

  it('that is replaced in the middle of changes leaves every root trusted that somebody may still use', async () => {
    const { model, clock, begin, kept } = cluster();
    const one = await begin();
    await one.rotate();
    clock.advance(dayMs);
    await one.refresh();
    const [signing, previous] = one.roots;
    model.stored.delete('/api/v1/secrets', 'mesh/inmesh-ca');
    const other = await begin();
    const [made] = other.roots;
    await other.rotate();
    const [, announced] = other.roots;
    await one.refresh();
    expect(one.roots).toEqual([signing, made, previous, announced]);
    expect((await begin()).roots).toEqual(one.roots);
    clock.advance(dayMs);
    await one.refresh();
    expect(one.roots).toEqual([made, signing, previous, announced]);
    clock.advance(dayMs);
    await one.refresh();
    expect([one.roots, stateOf(kept()).kind]).toEqual([[made], 'steady']);
  });

  it('that went through a whole change while a server could not look is used as it is', async () => {
    const { clock, begin } = cluster();
    const [one, late] = [await begin(), await begin()];
    await one.rotate();
    for (const _ of ['retiring', 'steady']) {
      clock.advance(dayMs);
      await one.refresh();
    }
    const { length } = one.roots;
    await late.refresh();
    expect([length, late.roots]).toEqual([1, one.roots]);
  });

  it('shows nothing of its keys in errors and logs, also when it is damaged or not taken', async () => {
    const { begin, kept, model, lines } = cluster();
    const authority = await begin();
    const text = Buffer.from(kept()!.data['authority.json']!, 'base64').toString('utf8');
    const damaged = { 'authority.json': Buffer.from(text.slice(0, -9)).toString('base64') };
    model.stored.set('/api/v1/secrets', 'mesh/inmesh-ca', { ...kept()!, data: damaged } as never);
    const error = (await begin().catch((reason: Error) => reason)) as Error;
    expect(error.message).toBe(
      'the key authority.json of the Secret mesh/inmesh-ca is damaged: ' +
        'restore it from a backup, or remove it: servers that run put back what they have, ' +
        'and where none runs the next one makes a new root',
    );
    await authority.refresh();
    model.stored.set('/api/v1/secrets', 'mesh/inmesh-ca', {
      ...kept()!,
      data: { 'authority.json': Buffer.from(text).toString('base64') },
    } as never);
    model.intercept = ({ method, body }) => (method === 'PUT' ? failure(422, 'Invalid', `not ${body}`) : undefined);
    await authority.refresh();
    const refused = (await authority.rotate().catch((reason: Error) => reason)) as Error;
    expect(refused.message).toContain('the API server does not take it');
    const said = [error.message, refused.message, ...lines].join('\n');
    const words = [...text.matchAll(/\\n([A-Za-z0-9+/=]{20,})/g)].map(([, word]) => word!);
    expect(words.length).toBeGreaterThan(4);
    for (const word of [...words, ...words.map((one) => Buffer.from(one).toString('base64'))])
      expect(said).not.toContain(word);
  });

  it('and a folder are not given both', async () => {
    const { kubernetes, clock } = cluster();
    const logger = { info() {}, warn() {}, error() {} };
    const tools = { clock, now: () => start, logger, kubernetes };
    await expect(openAuthority({ secret, folder: '/nowhere/ca' }, tools)).rejects.toThrow('give one');
  });
});
