import type { RollOver } from './roll-over.js';

/** The text that stores keep, and nothing that may be shown. */
export function formatState(state: RollOver): string {
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/** @throws Error that names the place; the parser's own message would quote the text, keys and all */
export function parseState(text: string, place: string): RollOver {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch {}
  if (isState(state)) return state;
  throw new Error(`${place} is damaged: restore it from a backup, or remove it to begin with a new root`);
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
