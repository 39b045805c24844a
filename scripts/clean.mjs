// Removes everything that scripts/prepare.mjs made, except node_modules.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { workspaceFolders } from './install-state.mjs';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const made = ['.cache', 'coverage', 'packages/xds/src/gen'];
for (const folder of workspaceFolders(repository)) {
  made.push(`${folder}/dist`);
  const names = fs.readdirSync(path.join(repository, folder));
  made.push(...names.filter((name) => name.endsWith('.tsbuildinfo')).map((name) => `${folder}/${name}`));
}
for (const entry of made) fs.rmSync(path.join(repository, entry), { recursive: true, force: true });
