import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateFile, makePrivateFolder, readPrivateFile, replaceFile } from './private-files.js';
import { type RollOver, trustedRoots } from './roll-over.js';

/** Where the keys of an authority live. */
export interface AuthorityStore {
  load(): RollOver | undefined;
  /** Keeps the first one and returns what is kept: another server may have been quicker. */
  create(state: RollOver): RollOver;
  save(state: RollOver): void;
  /** Whether somebody asked for a change of roots since the last time. */
  takeRotateRequest(): boolean;
}

/** For `inmesh dev` and tests: gone with the process. */
export class MemoryStore implements AuthorityStore {
  #state: RollOver | undefined;

  load(): RollOver | undefined {
    return this.#state;
  }

  create(state: RollOver): RollOver {
    this.#state ??= state;
    return this.#state;
  }

  save(state: RollOver): void {
    this.#state = state;
  }

  takeRotateRequest(): boolean {
    return false;
  }
}

const stateFile = 'authority.json';
const rootsFile = 'root-cert.pem';
const requestFile = 'rotate-requested';

/**
 * A folder of mode 0700: `authority.json` (0600) with everything, in one file so that no half of a change is ever seen, and
 * `root-cert.pem` for people who want to hand the roots out.
 */
export class FolderStore implements AuthorityStore {
  /** @throws Error with the command that mends it, when others than the owner can read the folder */
  constructor(private readonly folder: string) {
    makePrivateFolder(folder);
  }

  load(): RollOver | undefined {
    const path = join(this.folder, stateFile);
    const text = readPrivateFile(path);
    return text === undefined ? undefined : parseState(text, path);
  }

  create(state: RollOver): RollOver {
    if (createPrivateFile(join(this.folder, stateFile), format(state))) this.#writeRoots(state);
    return this.load() ?? state;
  }

  save(state: RollOver): void {
    replaceFile(join(this.folder, stateFile), format(state));
    this.#writeRoots(state);
  }

  takeRotateRequest(): boolean {
    const path = join(this.folder, requestFile);
    if (!existsSync(path)) return false;
    rmSync(path);
    return true;
  }

  #writeRoots(state: RollOver): void {
    replaceFile(join(this.folder, rootsFile), trustedRoots(state).join(''), 0o644);
  }
}

/**
 * Asks the server that uses this folder to change its root.
 * @throws Error when there is no authority in it
 */
export function requestRotation(folder: string): void {
  if (!existsSync(join(folder, stateFile))) throw new Error(`there is no certificate authority of inmesh in ${folder}`);
  replaceFile(join(folder, requestFile), '');
}

function format(state: RollOver): string {
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/** The parser's own message would quote the text, keys and all. */
function parseState(text: string, path: string): RollOver {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch {}
  if (isState(state)) return state;
  throw new Error(`${path} is damaged: restore it from a backup, or remove it to begin with a new root`);
}

type Fields = Readonly<Record<string, unknown>>;

function isState(value: unknown): value is RollOver {
  if (!isFields(value) || !isGeneration(value.signer)) return false;
  if (value.kind === 'steady') return true;
  if (typeof value.since !== 'number') return false;
  return value.kind === 'announcing'
    ? isGeneration(value.next)
    : value.kind === 'retiring' && typeof value.previous === 'string';
}

function isGeneration(value: unknown): boolean {
  return isFields(value) && [value.root, value.intermediate].every(isKeyed);
}

function isKeyed(value: unknown): boolean {
  return isFields(value) && typeof value.certificate === 'string' && typeof value.key === 'string';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
