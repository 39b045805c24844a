import { existsSync } from 'node:fs';
import type { TokenLocation } from './authority-location.js';
import { readRegularFileSync } from './regular-file.js';

const visibleAscii = /^[\x21-\x7e]+$/;

/**
 * Undefined: there is none now. Whitespace around that of a file does not count.
 * @throws Error that names the file and shows nothing of the token, where that cannot be sent in a header
 */
export function readToken(token: TokenLocation | undefined): string | undefined {
  if (token === undefined) return undefined;
  if ('text' in token) return checked(token.text, 'the token of this workload');
  const text = existsSync(token.file) ? readRegularFileSync(token.file).trim() : '';
  return text === '' ? undefined : checked(text, `the token in ${token.file}`);
}

function checked(token: string, where: string): string {
  if (visibleAscii.test(token)) return token;
  throw new Error(`${where} is not one line of visible ASCII: ${problemOf(token)}`);
}

function problemOf(token: string): string {
  if (token === '') return 'it is empty';
  if (/[\r\n]/.test(token)) return 'it has more than one line';
  if (/[ \t]/.test(token)) return 'it has a space or a tab';
  return /\P{ASCII}/u.test(token) ? 'it has a character that is not ASCII' : 'it has a control character';
}
