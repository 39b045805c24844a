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

export interface IgnoredKind {
  readonly kind: string;
  readonly effect: string;
}

export function renderPage(
  rows: readonly Row[],
  ignoredKinds: readonly IgnoredKind[],
  evidenceFor: (row: Row) => Evidence | undefined,
): string {
  const owners = [...new Set(rows.map(({ owner }) => owner))];
  const contents = owners.map((owner) => `[${owner}](#${anchorOf(owner)})`).join(' · ');
  const sections = owners.map((owner) => {
    const own = rows.filter((row) => row.owner === owner);
    const [repeated, plain] = [own.filter(isRepeated), own.filter((row) => !isRepeated(row))];
    return `\n## ${owner}\n\n${countsOf(own)}\n\n${renderTable(plain, evidenceFor)}${renderRepeated(repeated, evidenceFor)}`;
  });
  return `${head}\n${countsOf(rows)}\n\n${contents} · [kinds that are not acted on](#kinds-that-are-not-acted-on)\n${sections.join('')}${renderIgnoredKinds(ignoredKinds)}`;
}

/** As GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

/** A traffic policy is the same for a host, for a subset and for a port. */
function isRepeated({ field }: Row): boolean {
  return (
    field.startsWith('spec.subsets[].trafficPolicy.') || field.startsWith('spec.trafficPolicy.portLevelSettings[].')
  );
}

function renderTable(rows: readonly Row[], evidenceFor: (row: Row) => Evidence | undefined): string {
  const lines = rows.map((row) => renderRow(row, evidenceFor(row)));
  return `| Field | Support | Test, or the reason |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
}

function renderRepeated(rows: readonly Row[], evidenceFor: (row: Row) => Evidence | undefined): string {
  if (rows.length === 0) return '';
  const summary = '<summary>The same fields for subsets and for ports</summary>';
  return `\n<details>${summary}\n\n${renderTable(rows, evidenceFor)}\n</details>\n`;
}

function renderIgnoredKinds(kinds: readonly IgnoredKind[]): string {
  const lines = kinds.map(({ kind, effect }) => `| ${kind} | ${escapeCell(effect)} |`);
  return `\n## Kinds that are not acted on\n\nThe loader warns of each object.\n\n| Kind | What follows |\n| --- | --- |\n${lines.join('\n')}\n`;
}

function countsOf(rows: readonly Row[]): string {
  const count = (support: Row['support']) => rows.filter((row) => row.support === support).length;
  return `${rows.length} fields: ${count('supported')} supported, ${count('partly')} partly, ${count('unneeded')} unneeded, ${count('not')} not.`;
}

function renderRow({ field, support, reason }: Row, evidence: Evidence | undefined): string {
  const shown = evidence === undefined ? '' : renderLink(evidence);
  const last =
    support === 'not' || support === 'unneeded'
      ? escapeCell(reason)
      : [shown, escapeCell(reason)].filter(Boolean).join('; ');
  return `| \`${field}\` | ${support} | ${last} |`;
}

function renderLink({ file, title }: Evidence): string {
  const name = file.slice(file.lastIndexOf('/') + 1).replace('.test.ts', '');
  return `[${name}: ${escapeCell(title)}](../${file})`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
