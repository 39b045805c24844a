// Whether node_modules holds what package-lock.json and the workspaces' package.json files ask for.
import fs from 'node:fs';
import path from 'node:path';

const dependencyFields = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/** Content is compared, not dates: git sets a new date on every checkout. */
export function isInstallCurrent(repository) {
  const wanted = lockedPackages(path.join(repository, 'package-lock.json'));
  // npm's own record of what it put there.
  const installed = lockedPackages(path.join(repository, 'node_modules/.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return everyPackageInstalled(wanted, installed) && everyManifestLocked(repository, wanted);
}

/** The folders of the root package's workspaces, relative to the repository, '' for the root itself. */
export function workspaceFolders(repository) {
  const { workspaces } = readJson(path.join(repository, 'package.json'));
  return workspaces.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern];
    const parent = pattern.slice(0, -2);
    if (!fs.existsSync(path.join(repository, parent))) return [];
    const children = fs.readdirSync(path.join(repository, parent)).map((name) => `${parent}/${name}`);
    return children.filter((folder) => fs.existsSync(path.join(repository, folder, 'package.json')));
  });
}

export function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

function lockedPackages(file) {
  return fs.existsSync(file) ? readJson(file).packages : undefined;
}

function everyPackageInstalled(wanted, installed) {
  return Object.entries(wanted).every(([folder, entry]) => {
    if (!folder.includes('node_modules/')) return true;
    const present = installed[folder];
    // npm leaves out what is made for another platform.
    if (present === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return present.version === entry.version && present.integrity === entry.integrity && present.link === entry.link;
  });
}

function everyManifestLocked(repository, wanted) {
  return ['', ...workspaceFolders(repository)].every((folder) => {
    const manifest = readJson(path.join(repository, folder, 'package.json'));
    const locked = wanted[folder];
    return locked !== undefined && dependencyFields.every((field) => sameRanges(manifest[field], locked[field]));
  });
}

function sameRanges(left = {}, right = {}) {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] === right[name]);
}
