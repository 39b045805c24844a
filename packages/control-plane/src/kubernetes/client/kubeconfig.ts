import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parse } from 'yaml';
import type { ClusterAccess, Credentials } from './cluster-access.js';
import { ExecCredentials, type ExecPlugin } from './exec-plugin.js';

type Fields = Readonly<Record<string, unknown>>;

/** An entry of `clusters`, `users` or `contexts`, and the folder that its paths start from. */
interface Entry {
  readonly fields: Fields;
  readonly folder: string;
}

interface Merged {
  readonly clusters: Map<string, Entry>;
  readonly users: Map<string, Entry>;
  readonly contexts: Map<string, Entry>;
  current: string | undefined;
}

export interface KubeconfigOptions {
  /** Merged as kubectl does: of each name the first entry counts. */
  readonly files: readonly string[];
  /** Default: `current-context`. */
  readonly context?: string | undefined;
  /** Wall clock, in ms. */
  readonly now: () => number;
}

/**
 * Reads kubeconfig files, by ourselves: `@kubernetes/client-node` 1.4 for this costs 0.4 s, 77 MB of memory and 46 packages
 * at each start, and its KubeConfig knows no `tokenFile`, runs plug-ins without KUBERNETES_EXEC_INFO, runs those without an
 * end once for each request, and puts what they print into errors.
 * @throws Error that names the file and the field
 */
export function kubeconfigAccess({ files, context, now }: KubeconfigOptions): ClusterAccess {
  const merged = merge(files);
  const from = files.join(', ');
  const name = context ?? merged.current;
  if (name === undefined)
    throw new Error(`${from}: current-context is missing: choose one by kubectl config use-context`);
  const chosen = find(merged.contexts, name, 'context', from).fields;
  const cluster = find(merged.clusters, text(chosen, 'cluster') ?? '', 'cluster', from);
  const userName = text(chosen, 'user');
  const user = userName === undefined ? undefined : find(merged.users, userName, 'user', from);
  const server = text(cluster.fields, 'server');
  if (server === undefined || !/^https?:\/\//.test(server)) {
    throw new Error(`${from}: the server of the context ${name} is no URL of http or https`);
  }
  if (text(cluster.fields, 'proxy-url') !== undefined) {
    throw new Error(`${from}: proxy-url of the context ${name} is not supported: call the API server without a proxy`);
  }
  const plugin = user && pluginOf(user, { server, cluster }, from);
  const exec = plugin && new ExecCredentials(plugin, now);
  return {
    server: server.replace(/\/+$/, ''),
    namespace: text(chosen, 'namespace') ?? 'default',
    description: `context ${name} of ${from}`,
    // Files are read each time: they are what is rotated.
    credentials: async () => ({
      ...ofCluster(cluster),
      ...(user === undefined ? { headers: {} } : withPlugin(ofUser(user), await exec?.get())),
    }),
    forget: () => exec?.forget(),
  };
}

function withPlugin<Of extends Credentials>(own: Of, given: Awaited<ReturnType<ExecCredentials['get']>> | undefined) {
  if (given === undefined) return own;
  const { headers, certificate = own.certificate, key = own.key } = given;
  return { ...own, headers: { ...own.headers, ...headers }, certificate, key };
}

function ofCluster(entry: Entry): Omit<Credentials, 'headers'> {
  const skipVerify = entry.fields['insecure-skip-tls-verify'] === true;
  return { ca: pem(entry, 'certificate-authority'), serverName: text(entry.fields, 'tls-server-name'), skipVerify };
}

function ofUser(entry: Entry): Credentials {
  const { fields, folder } = entry;
  const tokenFile = text(fields, 'tokenFile');
  // kubectl: the file wins, since it can be rotated.
  const token = tokenFile === undefined ? text(fields, 'token') : read(resolve(folder, tokenFile)).trim();
  const [name, password] = [text(fields, 'username'), text(fields, 'password')];
  const basic = name === undefined ? undefined : Buffer.from(`${name}:${password ?? ''}`).toString('base64');
  const authorization = token !== undefined ? `Bearer ${token}` : basic && `Basic ${basic}`;
  const as = text(fields, 'as');
  return {
    headers: { ...(authorization && { authorization }), ...(as !== undefined && { 'impersonate-user': as }) },
    certificate: pem(entry, 'client-certificate'),
    key: pem(entry, 'client-key'),
  };
}

/** `NAME-data` wins over the file `NAME`, as in kubectl. */
function pem({ fields, folder }: Entry, name: string): string | undefined {
  const data = text(fields, `${name}-data`);
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const path = text(fields, name);
  return path === undefined ? undefined : read(resolve(folder, path));
}

function pluginOf(user: Entry, at: { server: string; cluster: Entry }, from: string): ExecPlugin | undefined {
  if (user.fields['auth-provider'] !== undefined) {
    throw new Error(`${from}: auth-provider is no longer supported by Kubernetes: use an exec plug-in`);
  }
  const { exec } = user.fields;
  if (!isFields(exec)) return undefined;
  const command = text(exec, 'command');
  if (command === undefined) throw new Error(`${from}: users.user.exec.command is missing`);
  const isPath = command.includes('/') && !isAbsolute(command);
  const args = Array.isArray(exec.args) ? exec.args.filter((arg) => typeof arg === 'string') : [];
  return {
    apiVersion: text(exec, 'apiVersion') ?? 'client.authentication.k8s.io/v1',
    command: isPath ? resolve(user.folder, command) : command,
    args,
    env: Object.fromEntries(list(exec.env).map((one) => [text(one, 'name') ?? '', text(one, 'value') ?? ''])),
    cluster: exec.provideClusterInfo === true ? infoOf(at) : undefined,
    installHint: text(exec, 'installHint'),
  };
}

function infoOf({ server, cluster }: { server: string; cluster: Entry }): object {
  const ca = pem(cluster, 'certificate-authority');
  return { server, ...(ca && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }) };
}

function merge(files: readonly string[]): Merged {
  const merged: Merged = { clusters: new Map(), users: new Map(), contexts: new Map(), current: undefined };
  for (const file of files) {
    const content = parseFile(file);
    const folder = dirname(resolve(file));
    for (const [kind, name] of [
      ['clusters', 'cluster'],
      ['users', 'user'],
      ['contexts', 'context'],
    ] as const) {
      for (const entry of list(content[kind])) {
        const key = text(entry, 'name');
        const fields = entry[name];
        if (key !== undefined && !merged[kind].has(key)) {
          merged[kind].set(key, { fields: isFields(fields) ? fields : {}, folder });
        }
      }
    }
    merged.current ??= text(content, 'current-context');
  }
  return merged;
}

/** The parser's own message would quote the line, token and all. */
function parseFile(file: string): Fields {
  const content = read(file);
  let parsed: unknown;
  try {
    parsed = parse(content, { logLevel: 'error' });
  } catch {
    throw new Error(`${file} is not YAML`);
  }
  if (!isFields(parsed)) throw new Error(`${file} is not a kubeconfig`);
  return parsed;
}

function find(entries: ReadonlyMap<string, Entry>, name: string, kind: string, from: string): Entry {
  const found = entries.get(name);
  if (found === undefined) throw new Error(`${from}: there is no ${kind} ${JSON.stringify(name)}`);
  return found;
}

/** @throws Error that names the file */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`);
  }
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
