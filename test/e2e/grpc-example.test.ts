import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { freePorts } from '../support/free-ports.js';
import { keep } from '../support/keep.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const example = join(repository, 'examples/grpc');

/** The example's own configuration, with the greeter at a free port of this machine. */
async function configAt(port: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-grpc-example-'));
  keep({ close: () => rmSync(folder, { recursive: true }) });
  cpSync(join(example, 'config'), folder, { recursive: true });
  const services = join(folder, 'services.yaml');
  const text = readFileSync(services, 'utf8');
  expect(text).toContain('ports: { grpc: 50051 }');
  writeFileSync(services, text.replace('ports: { grpc: 50051 }', `ports: { grpc: ${port} }`));
  return folder;
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += chunk));
  expect(await once(child, 'close'), output).toEqual([0, null]);
  return output;
}

it('answers one service account, refuses another and whom has no certificate, and says why', async () => {
  const [port] = await freePorts(1);
  const args = ['dev', '--config', await configAt(port!), '--', process.execPath, join(example, 'dist/main.js')];
  const env = { ...process.env, GREETER_PORT: String(port), NO_COLOR: '1' };
  const child = spawn(process.execPath, [join(repository, 'packages/cli/bin/inmesh.js'), ...args], { env });
  keep({ close: () => child.kill('SIGKILL') });
  const output = await outputOf(child);
  const denied = '7 PERMISSION_DENIED: RBAC: access denied';
  expect(output).toContain('shop greets: hello shop, I know you as spiffe://cluster.local/ns/default/sa/shop\n');
  expect(output).toContain(`shop dismisses: ${denied}\n`);
  expect(output).toContain(`stranger greets: ${denied}\n`);
  expect(output).toMatch(/^without a certificate: 14 UNAVAILABLE/m);
  expect(output).toMatch(
    /an incoming call is refused \{[^}]*peer: 'spiffe:\/\/cluster.local\/ns\/default\/sa\/stranger'/,
  );
  expect(output).toMatch(/a connection was refused \{\s*reason: 'plaintext'/);
}, 60_000);
