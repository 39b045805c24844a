import { X509Certificate } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeClock } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { identityOf, makeCsr, opensslVerify, TemporaryFolder } from '../../test/support/ca.js';
import { requestRotation } from './authority-store.js';
import { openAuthority } from './open-authority.js';

const start = Date.UTC(2026, 0, 1);
const open: { close(): unknown }[] = [];

afterEach(() => {
  for (const one of open.splice(0).reverse()) one.close();
});

function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

const clock = new FakeClock(start);

async function openIn(folder: string) {
  const lines: string[] = [];
  const log = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: log, warn: log, error: log };
  const authority = keep(await openAuthority({ folder }, { clock, now: () => clock.now(), logger }));
  return { authority, lines };
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe('A folder of an authority', () => {
  it('is made for its owner alone, and opened again with the same root', async () => {
    const folder = join(keep(new TemporaryFolder()).path, 'ca');
    const { authority } = await openIn(folder);
    expect(modeOf(folder)).toBe('700');
    expect(modeOf(join(folder, 'authority.json'))).toBe('600');
    expect(readdirSync(folder).sort()).toEqual(['authority.json', 'root-cert.pem']);
    expect(readFileSync(join(folder, 'root-cert.pem'), 'utf8')).toBe(authority.roots.join(''));
    const again = await openIn(folder);
    expect(again.authority.roots).toEqual(authority.roots);
    const { csr } = await makeCsr();
    const signed = await again.authority.sign(csr, identityOf('spiffe://cluster.local/ns/a/sa/b'));
    expect(signed).toMatchObject({ ok: true });
    if (signed.ok) expect(opensslVerify({ chain: signed.chain, roots: authority.roots }, start)).toBe(true);
  });

  it('is given one root when two servers begin at once', async () => {
    const folder = join(keep(new TemporaryFolder()).path, 'ca');
    const [one, other] = await Promise.all([openIn(folder), openIn(folder)]);
    expect(one.authority.roots).toEqual(other.authority.roots);
  });

  it('keeps a change of roots that is under way over a restart', async () => {
    const folder = join(keep(new TemporaryFolder()).path, 'ca');
    const first = await openIn(folder);
    requestRotation(folder);
    await first.authority.refresh();
    expect(first.authority.roots).toHaveLength(2);
    expect(readdirSync(folder)).not.toContain('rotate-requested');
    const { authority } = await openIn(folder);
    expect(authority.roots).toEqual(first.authority.roots);
    expect(readFileSync(join(folder, 'root-cert.pem'), 'utf8')).toBe(authority.roots.join(''));
  });

  it('is not asked for another change while one is under way: who asks is told when it goes on', async () => {
    const folder = join(keep(new TemporaryFolder()).path, 'ca');
    const { authority } = await openIn(folder);
    requestRotation(folder);
    await authority.refresh();
    expect(() => requestRotation(folder)).toThrow(
      /under way already, and the new root signs from \d{4}-\d\d-\d\dT[\d:.]+Z on/,
    );
    const subjects = authority.roots.map((root) => new X509Certificate(root).subject);
    expect(subjects).toEqual([
      expect.stringMatching(/CN=inmesh root \d{4}-/),
      expect.stringMatching(/CN=inmesh root \d{4}-/),
    ]);
  });

  it.each([
    [0o755, '', 'chmod 700 '],
    [0o640, 'authority.json', 'chmod 600 '],
    [0o604, 'authority.json', 'chmod 600 '],
  ])('that others may read (%o of "%s") is refused with the command that mends it', async (mode, name, command) => {
    const folder = join(keep(new TemporaryFolder()).path, 'ca');
    await openIn(folder);
    chmodSync(join(folder, name), mode);
    const path = name === '' ? folder : join(folder, name);
    await expect(openIn(folder)).rejects.toThrow(`run ${command}${path}`);
  });

  it('that is damaged is refused, and its keys are not shown', async () => {
    const folder = join(keep(new TemporaryFolder()).path, 'ca');
    await openIn(folder);
    const path = join(folder, 'authority.json');
    const text = readFileSync(path, 'utf8');
    for (const damaged of [text.slice(0, -10), text.replace('"steady"', '"other"'), '{}', '[]', 'null', '']) {
      writeFileSync(path, damaged);
      const error = await openIn(folder).catch((reason: Error) => reason);
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toBe(
        `${path} is damaged: restore it from a backup, or remove it: servers that run put back what they have, ` +
          'and where none runs the next one makes a new root',
      );
    }
  });

  it('without an authority cannot be asked for another root', () => {
    expect(() => requestRotation(keep(new TemporaryFolder()).path)).toThrow('no certificate authority');
  });

  it('says nothing of its keys in the log', async () => {
    const folder = join(keep(new TemporaryFolder()).path, 'ca');
    const { authority, lines } = await openIn(folder);
    await authority.rotate();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('announcing');
    const state = readFileSync(join(folder, 'authority.json'), 'utf8');
    for (const [, word] of state.matchAll(/\\n([A-Za-z0-9+/=]{20,})/g)) expect(lines[0]).not.toContain(word);
  });
});
