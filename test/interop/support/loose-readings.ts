import type { PolicySet } from './rbac-policies.js';
import type { RawRequest, RawSource } from './rbac-requests.js';
import { type SpecValues, specValues } from './spec-values.js';

/** A request and the policies that it met. */
export interface Policed {
  readonly request: RawRequest;
  readonly source: RawSource;
  readonly set: PolicySet;
}

/** One text of a request: as it was written, and what else somebody may read in it. */
interface Reading {
  readonly written: string;
  readonly others: readonly string[];
}

/** Whether a condition that leads to a refusal is met by what a text may be read as, and not by the text itself. */
export function isRefusedByOther(kind: 'paths' | 'hosts' | 'headers' | 'addresses'): (pair: Policed) => boolean {
  return (pair) =>
    specValues(pair.set).some(({ text, values, leadsTo }) => {
      if ((typeof text === 'string' ? text : 'headers') !== kind || leadsTo !== 'refusal') return false;
      const { written, others } = readingOf(text, pair);
      const isMet = values.some((value) => patternOf(value, '').test(written));
      return !isMet && values.some((value) => others.some((other) => fitsInAnyForm(value, other)));
    });
}

/** Whether a condition that leads to admission is met by one of the lines of a header, and not by all of them together. */
export function isAdmittedByOneLine(pair: Policed): boolean {
  return specValues(pair.set).some(({ text, values, leadsTo }) => {
    if (typeof text === 'string' || leadsTo !== 'admission') return false;
    const lines = linesOf(pair, text.header);
    const isMetBy = (line: string) => values.some((value) => patternOf(value, '').test(line));
    return lines.some(isMetBy) && !isMetBy(lines.join(','));
  });
}

export function linesOf({ request }: Policed, wanted: string): string[] {
  return request.headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value.trim());
}

function readingOf(text: SpecValues['text'], pair: Policed): Reading {
  if (typeof text !== 'string') {
    const lines = linesOf(pair, text.header);
    return { written: lines.join(','), others: [...lines, ...lines.flatMap((line) => line.split(/\s*,\s*/))] };
  }
  switch (text) {
    case 'paths': {
      const path = pathOf(pair);
      const { pathname } = new URL(`http://host${path.startsWith('/') ? path : '/'}`);
      const decoded = decode(pathname);
      return { written: path, others: [decoded, `${decoded}/`, decoded.replace(/\/$/, '')] };
    }
    case 'hosts': {
      const [written = ''] = linesOf(pair, 'host');
      return { written, others: [written, written.replace(/:\d*$/, ''), written.replace(/\.?(:\d*)?$/, '')] };
    }
    case 'addresses':
      return { written: '', others: [pair.source.localAddress] };
  }
}

export function pathOf({ request }: Policed): string {
  return request.target.replace(/^[a-z]+:\/\/[^/]*/i, '').replace(/[?#].*/s, '');
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Of ranges those that the generator draws. */
function fitsInAnyForm(value: string, text: string): boolean {
  if (value.endsWith('.0.0.0/8')) return text.startsWith(`${value.split('.')[0]}.`);
  return patternOf(value, 'i').test(text) || patternOf(decode(value), 'i').test(text);
}

function patternOf(value: string, flags: string): RegExp {
  const source = value
    .replace(/[.+?^$()|[\]\\]/g, '\\$&')
    .replaceAll('{**}', '.*')
    .replaceAll('{*}', '[^/]+')
    .replace(/^\*|(?<!\.)\*$/g, '.*');
  return new RegExp(`^${source}$`, `s${flags}`);
}
