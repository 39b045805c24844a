import { readFileSync } from 'node:fs';
import { isAdmittedByOneLine, isRefusedByOther, linesOf, type Policed, pathOf } from './loose-readings.js';

/** What inmesh refuses and Envoy lets in, by the first column of the table in docs/security.md. */
interface Difference {
  readonly title: string;
  /** Of our answer. */
  readonly status: 400 | 403;
  readonly applies: (pair: Policed) => boolean;
}

const inPath = (pattern: RegExp) => ({ status: 400 as const, applies: (pair: Policed) => pattern.test(pathOf(pair)) });

export const deliberate: readonly Difference[] = [
  { title: 'a semicolon in the path', ...inPath(/;|%3b/i) },
  { title: 'two slashes in a row, where they are not merged', ...inPath(/\/\//) },
  { title: 'an encoded slash or a backslash, where it is not decoded', ...inPath(/\\|%2f|%5c/i) },
  { title: 'an encoded control character in the path', ...inPath(/%[01][0-9a-f]|%7f/i) },
  { title: 'a percent sign in the path that encodes nothing', ...inPath(/%(?![0-9a-f]{2})/i) },
  { title: 'bytes in the path that are not UTF-8', ...inPath(/%(?:c0|e9)/i) },
  { title: 'more than one `Host`', status: 400, applies: (pair) => linesOf(pair, 'host').length > 1 },
  {
    title: 'a target with another host than `Host`',
    status: 400,
    applies: ({ request }) => /^[a-z]+:\/\//i.test(request.target),
  },
  { title: 'a path that some router takes for a refused one', status: 403, applies: isRefusedByOther('paths') },
  { title: 'a refused host with a port or a dot at the end', status: 403, applies: isRefusedByOther('hosts') },
  { title: 'a header with a refused value among others', status: 403, applies: isRefusedByOther('headers') },
  { title: 'a header that stands twice, once with an admitted value', status: 403, applies: isAdmittedByOneLine },
  {
    title: 'bytes in a header that are neither ASCII nor UTF-8',
    status: 403,
    applies: ({ request }) => request.headers.some(([, value]) => value.includes('\xff')),
  },
  {
    title: 'a forwarded client whose proxy has a refused address',
    status: 403,
    applies: isRefusedByOther('addresses'),
  },
];

/** The first column of the table. */
export function documentedDifferences(): string[] {
  const text = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('### Where Envoy is less strict\n');
  const table = section.split('\n\n').find((block) => block.startsWith('|')) ?? '';
  return table
    .split('\n')
    .slice(2)
    .map((row) => row.split('|')[1]!.trim());
}
