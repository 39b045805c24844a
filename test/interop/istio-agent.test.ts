import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { closeAfterEach } from '../support/seeds.js';
import { goProgram } from './support/go-program.js';
import { serveSecured, spiffeIdOf } from './support/secured-mesh.js';

const run = promisify(execFile);
const keep = closeAfterEach();
let program: string;

beforeAll(async () => {
  program = await goProgram('istio-agent');
}, 600_000);

async function ask(flags: Readonly<Record<string, string>> = {}) {
  const mesh = await serveSecured(keep, keep(new ConfigFolder()), ['reviews']);
  const ca = mesh.server.tls.replace('127.0.0.1', 'localhost');
  const all = { ca, roots: mesh.roots, token: mesh.tokenOf('reviews'), ...flags };
  const { stdout } = await run(
    program,
    Object.entries(all).map(([name, value]) => `-${name}=${value}`),
  );
  return JSON.parse(stdout) as { code: string; message: string; spiffeId: string; renewed: boolean; seconds: number };
}

describe("Istio's stub of the certificate service, in Go,", () => {
  it.each([
    ['that names nobody', {}],
    ['that names itself', { san: spiffeIdOf('reviews') }],
  ])('is given what Go and go-spiffe verify, and the next one for it: a request %s', async (_name, flags) => {
    const { code, spiffeId, renewed, seconds } = await ask(flags);
    expect({ code, spiffeId, renewed, seconds }).toEqual({
      ...{ code: 'OK', spiffeId: spiffeIdOf('reviews'), renewed: true, seconds: 3600 },
    });
  });

  it('is given a day when it asks for a year', async () => {
    expect(await ask({ seconds: String(365 * 24 * 3600) })).toMatchObject({ code: 'OK', seconds: 24 * 3600 });
  });

  it.each(['spiffe://cluster.local/ns/default/sa/admin', 'spiffe://cluster.local/ns/other/sa/reviews'])(
    'is refused when it asks to be %s',
    async (san) => {
      const { code, message } = await ask({ san });
      expect(code).toBe('PermissionDenied');
      expect(message).toContain(san);
    },
  );

  it('is refused with a token of nobody', async () => {
    expect(await ask({ token: 'a-token-of-nobody' })).toMatchObject({ code: 'Unauthenticated', spiffeId: '' });
  });
});
