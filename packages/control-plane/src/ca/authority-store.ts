import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { maxLeafMs } from './authority.js';
import { formatState, parseState } from './format-state.js';
import { createPrivateFile, makePrivateFolder, readPrivateFile, replaceFile } from './private-files.js';
import { nextPhase, type RollOver, trustedRoots } from './roll-over.js';

/** Where the keys of an authority live. */
export interface AuthorityStore {
  load(): Promise<RollOver | undefined>;
  /** Keeps the first one and returns what is kept: another server may have been quicker. */
  create(state: RollOver): Promise<RollOver>;
  /** Keeps it in place of what was loaded last, and returns what is kept: again another may have been quicker. */
  save(state: RollOver): Promise<RollOver>;
  /** Whether somebody asked for a change of roots since the last `save`. */
  takeRotateRequest(): Promise<boolean>;
}

/** The store cannot be asked now, and may be later. */
export class StoreAwayError extends Error {
  override readonly name = 'StoreAwayError';
}

/** For `inmesh dev` and tests: gone with the process. */
export class MemoryStore implements AuthorityStore {
  #state: RollOver | undefined;

  async load(): Promise<RollOver | undefined> {
    return this.#state;
  }

  async create(state: RollOver): Promise<RollOver> {
    this.#state ??= state;
    return this.#state;
  }

  async save(state: RollOver): Promise<RollOver> {
    this.#state = state;
    return state;
  }

  async takeRotateRequest(): Promise<boolean> {
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

  async load(): Promise<RollOver | undefined> {
    const path = join(this.folder, stateFile);
    const text = readPrivateFile(path);
    return text === undefined ? undefined : parseState(text, path);
  }

  async create(state: RollOver): Promise<RollOver> {
    if (createPrivateFile(join(this.folder, stateFile), formatState(state))) this.#writeRoots(state);
    return (await this.load()) ?? state;
  }

  async save(state: RollOver): Promise<RollOver> {
    replaceFile(join(this.folder, stateFile), formatState(state));
    this.#writeRoots(state);
    return state;
  }

  async takeRotateRequest(): Promise<boolean> {
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
 * @throws Error when there is no authority in it, and while a change is under way, which says when it goes on
 */
export function requestRotation(folder: string, phaseMs: number = maxLeafMs): void {
  const path = join(folder, stateFile);
  const text = readPrivateFile(path);
  if (text === undefined) throw new Error(`there is no certificate authority of inmesh in ${folder}`);
  const underWay = nextPhase(parseState(text, path), phaseMs);
  if (underWay !== undefined) {
    const { next, from } = underWay;
    throw new Error(`a change of the root is under way already, and ${next} from ${from} on: no other was asked for`);
  }
  replaceFile(join(folder, requestFile), '');
}
