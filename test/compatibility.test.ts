import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { evidence, evidenceOf } from './compatibility/evidence.js';
import { renderPage } from './compatibility/render.js';
import { allRows, ignoredKindRows, type Row } from './compatibility/rows.js';

const root = new URL('../', import.meta.url);
const page = fileURLToPath(new URL('docs/compatibility.md', root));
const rows = allRows();

describe('docs/compatibility.md', () => {
  it('is what the tables of the loader and the tests say today', () => {
    const rendered = renderPage(rows, ignoredKindRows(), evidenceOf);
    if (process.env.UPDATE_DOCS === '1') writeFileSync(page, rendered);
    expect(readFileSync(page, 'utf8')).toBe(rendered);
  });

  it('names a test for every field that is acted on', () => {
    const unproven = rows.filter((row) => isActedOn(row) && evidenceOf(row) === undefined);
    expect(unproven.map(({ owner, field }) => `${owner} ${field}`)).toEqual([]);
  });

  it('names tests that are there', () => {
    const missing = evidence.filter(({ file, title }) => {
      const path = new URL(file, root);
      return !existsSync(path) || !readFileSync(path, 'utf8').includes(title);
    });
    expect(missing.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
  });

  it('names no test for nothing', () => {
    const idle = evidence.filter((one) => !rows.some((row) => isActedOn(row) && evidenceOf(row) === one));
    expect(idle.map(({ owner, fields }) => `${owner} ${fields}`)).toEqual([]);
  });

  it('gives a reason for every field that is not acted on', () => {
    expect(rows.filter((row) => !isActedOn(row) && row.reason === '')).toEqual([]);
  });
});

function isActedOn({ support }: Row): boolean {
  return support === 'supported' || support === 'partly';
}
