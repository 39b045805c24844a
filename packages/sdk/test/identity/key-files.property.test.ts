import { appendFileSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { IdentityFolder } from '../../../../test/support/identity-folder.js';
import { keep } from '../../../../test/support/keep.js';
import { MeshAuthority, type TestIdentity } from '../../../../test/support/mesh-authority.js';
import { FileIdentity } from '../../src/identity/file-identity.js';
import type { Identity } from '../../src/identity/identity.js';
import { silentLogger } from '../../src/logger.js';
import { SystemClock } from '../../src/runtime/system-clock.js';

type Step = () => void;

/** Each of a root of its own, so that neither key nor bundle fits another's certificate. */
const versions = ['a', 'b', 'c', 'd'].map((name) => new MeshAuthority().issue(name));

const textsOf = ({ chain, key, bundle }: TestIdentity) => ({
  'cert-chain.pem': chain,
  'key.pem': key,
  'root-cert.pem': bundle,
});

/** Which of the versions all parts of an identity are of; -1: they are of several. */
function versionOf({ certificate, bundles }: Identity): number {
  const isOf = ({ chain, key, bundle }: TestIdentity) =>
    certificate?.certificateChain === chain &&
    certificate.privateKey === key &&
    [...bundles.values()].flat().join() === bundle;
  return versions.findIndex(isOf);
}

/** Writes one file as a careless tool does: in pieces, or after it was removed, or open to all at first. */
function writesOf(path: string, text: string, random: () => number): Step[] {
  const cut = Math.floor(random() * text.length);
  const pieces = [
    () => writeFileSync(path, text.slice(0, cut), { mode: 0o600 }),
    () => appendFileSync(path, text.slice(cut)),
  ];
  const way = random();
  if (way < 0.2) return [() => rmSync(path, { force: true }), ...pieces];
  if (way < 0.4) return [...pieces, () => chmodSync(path, 0o644), () => chmodSync(path, 0o600)];
  return pieces;
}

/** All steps of some lists, each list in its order. */
function interleaved(lists: Step[][], random: () => number): Step[] {
  const steps: Step[] = [];
  for (let rest = lists; rest.length > 0; rest = rest.filter((list) => list.length > 0)) {
    steps.push(rest[Math.floor(random() * rest.length)]!.shift()!);
  }
  return steps;
}

async function run(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const folder = keep(new IdentityFolder());
  for (const [name, text] of Object.entries(textsOf(versions[0]!))) folder.write(name, text);
  const clock = new SystemClock({ keepsProcessAlive: false });
  const source = keep(new FileIdentity(folder.path, { clock, logger: silentLogger }));
  const taken: number[] = [];
  source.onChange((identity) => taken.push(versionOf(identity)));
  await source.open();
  for (const version of versions.slice(1)) {
    const writes = Object.entries(textsOf(version)).map(([name, text]) =>
      writesOf(join(folder.path, name), text, random),
    );
    for (const step of interleaved(writes, random)) {
      step();
      const luck = random();
      if (luck < 0.3) await source.look();
      else if (luck < 0.6) void source.look();
      // In the middle of a look, too.
      else if (luck < 0.8) await new Promise((resolve) => setImmediate(resolve));
    }
    await source.look();
    expect(source.problem).toBeUndefined();
    expect(versionOf(source.current!)).toBe(versions.indexOf(version));
  }
  expect(taken).not.toContain(-1);
  expect(taken).toEqual([...taken].sort());
}

describe('certificate, key and authorities that are written in any order and in pieces', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('are taken together or not at all (seed %i)', run);
});
