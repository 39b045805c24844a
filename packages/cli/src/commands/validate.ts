import { formatIssue } from '@inmesh/config';
import { checkFiles, type FileCheck } from '../check-files.js';
import { clientOptions, parseLabels, parseLocality } from '../client-flags.js';
import { type Command, parseFlags, requirePaths } from '../command.js';
import { identityFlags, identityHelp, readIdentityFlags } from '../identity-flags.js';
import { type Io, writeLine } from '../io.js';

const options = {
  json: { type: 'boolean' },
  strict: { type: 'boolean' },
  'cluster-domain': { type: 'string' },
  namespace: { type: 'string' },
  ...identityFlags,
  ...clientOptions,
} as const;

export const validate: Command = {
  summary: 'say what is wrong with YAML files',
  help: `inmesh validate PATH...

Prints every issue of files and folders as file:line:column, and a summary. Exit code 1 when there are errors.

  --strict             warnings count as errors, e.g. that a kind is not acted on
  --json               for machines
  --cluster-domain D   end of service names (cluster.local)
  --namespace NS       of objects that name none, and of the client (default)
${identityHelp}
  --labels K=V,K=V     of the client
  --locality R/Z/S     of the client: region, zone and sub-zone`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseFlags(argv, { options, allowPositionals: true });
  const paths = requirePaths(positionals, 'a PATH');
  const { 'cluster-domain': clusterDomain, namespace: defaultNamespace } = values;
  const labels = parseLabels(values.labels);
  const locality = parseLocality(values.locality);
  const client = {
    namespace: defaultNamespace ?? 'default',
    ...(labels !== undefined && { labels }),
    ...(locality !== undefined && { locality }),
  };
  const check = await checkFiles(paths, { clusterDomain, defaultNamespace, client, ...readIdentityFlags(values) });
  if (check.files === 0) writeLine(io.err, `no YAML files in ${paths.join(', ')}`);
  writeLine(io.out, values.json ? JSON.stringify(check, undefined, 2) : format(check));
  return check.errors > 0 || (values.strict === true && check.warnings > 0) ? 1 : 0;
}

function format({ objects, issues, inconsistencies, errors, warnings }: FileCheck): string {
  const summary = [plural(objects, 'object'), plural(errors, 'error'), plural(warnings, 'warning')].join(', ');
  return [...issues.map(formatIssue), ...inconsistencies.map((line) => `error: ${line}`), summary].join('\n');
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
