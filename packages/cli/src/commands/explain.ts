import { formatIssue } from '@inmesh/config';
import { createMesh, formatExplanation, type Mesh, type MeshOptions } from 'inmesh';
import { checkFiles, type FileCheck } from '../check-files.js';
import { clientOptions, parseLabels, parseLocality } from '../client-flags.js';
import { type Command, parseFlags, requirePaths, UsageError } from '../command.js';
import { hintForUrl } from '../hint-host.js';
import { identityFlags, identityHelp, readIdentityFlags } from '../identity-flags.js';
import { type Io, writeLine } from '../io.js';

const options = {
  config: { type: 'string', multiple: true },
  xds: { type: 'string' },
  method: { type: 'string', default: 'GET' },
  header: { type: 'string', multiple: true },
  namespace: { type: 'string' },
  'cluster-domain': { type: 'string' },
  ...identityFlags,
  ...clientOptions,
  json: { type: 'boolean' },
} as const;

export const explain: Command = {
  summary: 'say where a request goes, and why',
  help: `inmesh explain --config PATH URL
inmesh explain --xds HOST:PORT URL

Says which listener, virtual host, route, clusters and endpoints a request takes, and why not the routes before.

  --config PATH        file or folder; may be given several times
  --xds HOST:PORT      ask a config server instead
  --method M           (GET)
  --header 'K: V'      may be given several times
  --namespace NS       of the caller, and of objects that name none (default)
  --labels K=V,K=V     of the caller
  --locality R/Z/S     of the caller: region, zone and sub-zone
  --cluster-domain D   end of service names (cluster.local)
${identityHelp}
  --json               for machines`,
  run,
};

type Flags = ReturnType<typeof parse>['values'];

function parse(argv: readonly string[]) {
  return parseFlags(argv, { options, allowPositionals: true });
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parse(argv);
  const [url, ...more] = positionals;
  if (url === undefined || more.length > 0) throw new UsageError('give one URL; files are given by --config PATH');
  if (!URL.canParse(url)) throw new UsageError(`${JSON.stringify(url)} is not a URL`);
  const request = { url, method: values.method, headers: parseHeaders(values.header ?? []) };
  const source = sourceOf(values);
  const check = 'config' in source ? await checkConfig(source.config, values) : undefined;
  if (check !== undefined && hasErrors(check, io)) return 1;
  const { namespace, 'cluster-domain': clusterDomain } = values;
  const caller = { ...callerOf(values), ...readIdentityFlags(values) };
  const explanation = await withMesh({ ...source, ...caller, namespace, clusterDomain }, (mesh) =>
    mesh.explain(request),
  );
  writeLine(io.out, values.json ? JSON.stringify(explanation, undefined, 2) : formatExplanation(explanation));
  if (explanation.listener !== undefined || check === undefined || values.json) return 0;
  const hint = hintForUrl(url, check.listeners, { namespace, clusterDomain });
  if (hint !== undefined) writeLine(io.out, `  ${hint}`);
  return 0;
}

/** Checked here, so that a mistake is said in the words of the command line. */
function callerOf({ labels: written, locality }: Flags): Pick<MeshOptions, 'labels' | 'locality'> {
  const labels = parseLabels(written);
  parseLocality(locality);
  return { ...(labels !== undefined && { labels }), ...(locality !== undefined && { locality }) };
}

function sourceOf({ config, xds }: Flags): { config: readonly string[] } | { xds: string } {
  if (xds !== undefined && config !== undefined) throw new UsageError('give --config or --xds, not both');
  return xds === undefined ? { config: requirePaths(config, '--config or --xds') } : { xds };
}

function parseHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map(parseHeader));
}

function parseHeader(line: string): [name: string, value: string] {
  const [, name, value] = /^\s*([^\s:]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
  if (name === undefined || value === undefined)
    throw new UsageError(`--header: ${JSON.stringify(line)} is not 'name: value'`);
  return [name.toLowerCase(), value];
}

function checkConfig(paths: readonly string[], values: Flags): Promise<FileCheck> {
  const { 'cluster-domain': clusterDomain, namespace: defaultNamespace } = values;
  return checkFiles(paths, { clusterDomain, defaultNamespace, ...readIdentityFlags(values) });
}

/** A mesh waits for files to be mended; a command says what is wrong and ends. */
function hasErrors({ issues, inconsistencies }: FileCheck, io: Io): boolean {
  const errors = issues.filter(({ severity }) => severity === 'error').map(formatIssue);
  for (const line of [...errors, ...inconsistencies]) writeLine(io.err, line);
  return errors.length + inconsistencies.length > 0;
}

/** The same mesh that a service has, so that the answer is what a service would do. */
async function withMesh<T>(meshOptions: MeshOptions, use: (mesh: Mesh) => T): Promise<T> {
  const mesh = await createMesh(meshOptions);
  try {
    await mesh.ready();
    return use(mesh);
  } finally {
    await mesh.close();
  }
}
