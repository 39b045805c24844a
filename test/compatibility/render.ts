import type { Evidence } from './evidence.js';
import type { Row } from './rows.js';

const head = `# Compatibility

Every field that a YAML file can carry, and what becomes of it. Made from the tables that the loader reads by and from the
tests that show each field: \`npm run docs\` writes this page, and a test fails when it is not the truth of today.

- **supported**: acted on, as the test beside it shows.
- **partly**: some values are; the loader says so when it meets another.
- **unneeded**: taken without a word, as it says nothing of where a call goes.
- **not**: the loader says the reason, as a warning where traffic still goes where it should («ignored»), as an error where it
  would not.
`;

export function renderPage(rows: readonly Row[], evidenceFor: (row: Row) => Evidence | undefined): string {
  const owners = [...new Set(rows.map(({ owner }) => owner))];
  const sections = owners.map((owner) => {
    const own = rows.filter((row) => row.owner === owner);
    return `\n## ${owner}\n\n${countsOf(own)}\n\n| Field | Support | Test, or the reason |\n| --- | --- | --- |\n${own
      .map((row) => renderRow(row, evidenceFor(row)))
      .join('\n')}\n`;
  });
  return `${head}\n${countsOf(rows)}\n${sections.join('')}`;
}

function countsOf(rows: readonly Row[]): string {
  const count = (support: Row['support']) => rows.filter((row) => row.support === support).length;
  return `${rows.length} fields: ${count('supported')} supported, ${count('partly')} partly, ${count('unneeded')} unneeded, ${count('not')} not.`;
}

function renderRow({ field, support, reason }: Row, evidence: Evidence | undefined): string {
  const shown = evidence === undefined ? '' : `[${escapeCell(evidence.title)}](../${evidence.file})`;
  const last =
    support === 'not' || support === 'unneeded'
      ? escapeCell(reason)
      : [shown, escapeCell(reason)].filter(Boolean).join('; ');
  return `| \`${field}\` | ${support} | ${last} |`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
