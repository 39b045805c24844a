import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@inmesh/core/testing';
import { expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { scanForSecrets } from '../../../../test/support/secret-scan.js';
import { SystemClock } from '../runtime/system-clock.js';
import { openAuthorityIdentity } from './authority-location.js';
import { readToken } from './read-token.js';
import { openSecrets } from './sds-source.js';

const scan = scanForSecrets();
const secret = 'a-secret-token-of-25-chars';

function fileOf(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-token-'));
  keep({ close: () => rmSync(folder, { recursive: true }) });
  const file = join(folder, 'token');
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

const bad: [string, string, string][] = [
  ['a second line', `${secret}\nsecond`, 'it has more than one line'],
  ['a control character', `${secret}\x01x`, 'it has a control character'],
  ['a letter that is not ASCII', `${secret}é`, 'it has a character that is not ASCII'],
  ['a space', `${secret} x`, 'it has a space or a tab'],
];

it.each(bad)('a token with %s is refused by file and reason, and shown to nobody', async (_what, content, reason) => {
  scan.guard('the token', secret);
  const file = fileOf(content);
  const roots = fileOf(new MeshAuthority().bundle);
  const expected = `the token in ${file} is not one line of visible ASCII: ${reason}`;
  const clock = new SystemClock({ keepsProcessAlive: false });
  const options = { clock, random: seededRandom(1), logger: scan.logger };
  const location = { roots, token: { file } };
  const asking = keep(await openAuthorityIdentity({ ...location, authority: 'localhost:1' }, options));
  const listening = keep(await openSecrets({ ...location, sds: 'localhost:1' }, { ...options, nodeId: 'x' }));
  for (const { problem } of [asking, listening]) expect(scan.hear(problem)).toContain(expected);
});

it('a token of a file is taken without the whitespace around it; none is there while the file is empty or away', () => {
  expect(readToken({ file: fileOf(` ${secret}\r\n`) })).toBe(secret);
  expect(readToken({ file: fileOf('\n') })).toBeUndefined();
  expect(readToken({ file: '/nowhere/token' })).toBeUndefined();
  expect(() => readToken({ text: 'x\ny' })).toThrow('the token of this workload');
});
