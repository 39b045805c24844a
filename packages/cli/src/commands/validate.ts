import { formatIssue } from '@inmesh/config';
import { checkFiles, type FileCheck } from '../check-files.js';
import { type Command, parseFlags, requirePaths } from '../command.js';
import { type Io, writeLine } from '../io.js';

const options = {
  json: { type: 'boolean' },
  'cluster-domain': { type: 'string' },
  namespace: { type: 'string' },
} as const;

export const validate: Command = {
  summary: 'say what is wrong with YAML files',
  help: `inmesh validate PATH...

Prints every issue of files and folders as file:line:column, and a summary. Exit code 1 when there are errors.

  --json               for machines
  --cluster-domain D   end of service names (cluster.local)
  --namespace NS       of objects that name none (default)`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(argv, { options, allowPositionals: true });
  const paths = requirePaths(positionals, 'a PATH');
  const { 'cluster-domain': clusterDomain, namespace: defaultNamespace } = values;
  const check = await checkFiles(paths, { clusterDomain, defaultNamespace });
  if (check.files === 0) writeLine(io.err, `no YAML files in ${paths.join(', ')}`);
  writeLine(io.out, values.json ? JSON.stringify(check, undefined, 2) : format(check));
  return check.errors > 0 ? 1 : 0;
}

function format({ objects, issues, inconsistencies, errors, warnings }: FileCheck): string {
  const summary = [plural(objects, 'object'), plural(errors, 'error'), plural(warnings, 'warning')].join(', ');
  return [...issues.map(formatIssue), ...inconsistencies.map((line) => `error: ${line}`), summary].join('\n');
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
