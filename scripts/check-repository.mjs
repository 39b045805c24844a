// The rules of this repository that Biome cannot see. Needs a build, because publint looks at what would be published.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { readJson, workspaceFolders } from './install-state.mjs';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const longestSourceFile = 400;

const folders = workspaceFolders(repository);
const problems = [
  ...folders.flatMap(longSourceFiles),
  ...registryAddresses(),
  ...folders.flatMap(manifestProblems),
  ...(await Promise.all(folders.filter(isPublishable).map(publishingProblems))).flat(),
];
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`check-repository: ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

function longSourceFiles(folder) {
  if (!folder.startsWith('packages/')) return [];
  return sourceFiles(`${folder}/src`).flatMap((file) => {
    const lines = fs.readFileSync(path.join(repository, file), 'utf8').split('\n').length - 1;
    return lines > longestSourceFile ? [`${file} has ${lines} lines; ${longestSourceFile} is the limit.`] : [];
  });
}

function sourceFiles(folder) {
  if (!fs.existsSync(path.join(repository, folder))) return [];
  const entries = fs.readdirSync(path.join(repository, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'gen' ? [] : sourceFiles(name);
    return /(?<!\.test)\.[cm]?tsx?$/.test(entry.name) ? [name] : [];
  });
}

// A lock file that names a registry installs from nowhere else.
function registryAddresses() {
  const lock = fs.readFileSync(path.join(repository, 'package-lock.json'), 'utf8');
  return lock.includes('"resolved": "http')
    ? ['package-lock.json names a registry; .npmrc should have kept it out.']
    : [];
}

function manifestProblems(folder) {
  const { license, engines } = readJson(path.join(repository, folder, 'package.json'));
  const problems = [];
  if (license !== 'Apache-2.0') problems.push(`${folder}/package.json: license should be Apache-2.0.`);
  if (engines?.node !== '>=20.19') problems.push(`${folder}/package.json: engines.node should be >=20.19.`);
  return problems;
}

function isPublishable(folder) {
  return readJson(path.join(repository, folder, 'package.json')).private !== true;
}

async function publishingProblems(folder) {
  const pkgDir = path.join(repository, folder);
  const { messages, pkg } = await publint({ pkgDir, level: 'warning', strict: true });
  return messages.map((message) => `${folder}/package.json: ${formatMessage(message, pkg)}`);
}
