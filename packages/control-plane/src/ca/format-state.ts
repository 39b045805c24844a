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
  const removed =
    'or remove it: servers that run put back what they have, and where none runs the next one makes a new root';
  throw new Error(`${place} is damaged: restore it from a backup, ${removed}`);
}

type Fields = Readonly<Record<string, unknown>>;

function isState(value: unknown): value is RollOver {
  if (!isFields(value) || !isGeneration(value.signer)) return false;
  if (value.kind === 'steady') return true;
  if (typeof value.since !== 'number' || !(value.older === undefined || isTexts(value.older))) return false;
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

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
