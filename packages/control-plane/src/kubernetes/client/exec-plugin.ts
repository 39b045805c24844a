import { execFile } from 'node:child_process';
import type { Credentials } from './cluster-access.js';
import type { Variables } from './in-cluster.js';

/** The `exec` of a user in a kubeconfig. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Variables;
  /** What the plug-in is told of the cluster (ExecCredentialSpec), where it asks for it. */
  readonly cluster: object | undefined;
  readonly installHint: string | undefined;
}

interface Issued {
  readonly credentials: Pick<Credentials, 'headers' | 'certificate' | 'key'>;
  /** Undefined: for as long as this process lives (client-go's rule). */
  readonly until: number | undefined;
}

const timeoutMs = 60_000;
/** A token that ends while it is under way is of no use. */
const marginMs = 30_000;

/** Runs a credential plug-in, once for each of the credentials that it gives (client.authentication.k8s.io). */
export class ExecCredentials {
  #issued: Promise<Issued> | undefined;

  constructor(
    private readonly plugin: ExecPlugin,
    /** Wall clock, in ms. */
    private readonly now: () => number,
  ) {}

  /** @throws Error that names the command; nothing that it has printed is shown, since that is where it prints tokens */
  async get(): Promise<Issued['credentials']> {
    // One after the other, so that those who ask together are given the same.
    this.#issued = this.#renewed(this.#issued);
    return (await this.#issued).credentials;
  }

  forget(): void {
    this.#issued = undefined;
  }

  async #renewed(before: Promise<Issued> | undefined): Promise<Issued> {
    const kept = await before?.catch(() => undefined);
    const isUsable = kept !== undefined && (kept.until === undefined || kept.until - marginMs > this.now());
    return isUsable ? kept : await run(this.plugin);
  }
}

async function run({ apiVersion, command, args, env, cluster, installHint }: ExecPlugin): Promise<Issued> {
  const spec = { interactive: false, ...(cluster === undefined ? {} : { cluster }) };
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
  const options = { env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: info }, timeout: timeoutMs };
  const printed = await new Promise<string>((resolve, reject) => {
    execFile(command, [...args], options, (error, output) => {
      if (error === null) return resolve(output);
      const isMissing = error.code === 'ENOENT';
      const why = isMissing ? 'cannot be found' : `failed (${error.signal ?? error.code})`;
      const hint = isMissing && installHint !== undefined ? `: ${installHint}` : '';
      reject(new Error(`the credential plug-in ${command} ${why}${hint}`));
    });
  });
  return readIssued(printed, command);
}

function readIssued(printed: string, command: string): Issued {
  let answer: { readonly status?: Readonly<Record<string, unknown>> | null } | null | undefined;
  try {
    answer = JSON.parse(printed) as typeof answer;
  } catch {}
  const status = answer?.status ?? {};
  const text = (name: string) => (typeof status[name] === 'string' ? status[name] : undefined);
  const token = text('token');
  const certificate = text('clientCertificateData');
  const key = text('clientKeyData');
  if (token === undefined && (certificate === undefined || key === undefined)) {
    throw new Error(`the credential plug-in ${command} gave neither a token nor a certificate with its key`);
  }
  const until = Date.parse(text('expirationTimestamp') ?? '');
  const headers: Credentials['headers'] = token === undefined ? {} : { authorization: `Bearer ${token.trim()}` };
  return { credentials: { headers, certificate, key }, until: Number.isNaN(until) ? undefined : until };
}
