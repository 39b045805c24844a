import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What proves to the config server's certificate authority who a process is: in a cluster, its service account token. Keys
 * and tokens live in a folder of this user alone, and go when the demo ends.
 */
export class Identities {
  readonly #authority: string;
  readonly #tokens: string;
  readonly #knownTokens: string;

  constructor(folder: string, serviceAccounts: ReadonlySet<string>) {
    this.#authority = join(folder, 'authority');
    this.#tokens = join(folder, 'tokens');
    this.#knownTokens = join(folder, 'known-tokens');
    mkdirSync(this.#tokens, { mode: 0o700 });
    const lines = [...serviceAccounts].map((serviceAccount) => {
      const token = randomBytes(24).toString('base64url');
      writeFileSync(this.#tokenOf(serviceAccount), token, { mode: 0o600 });
      return `${token} default/${serviceAccount}\n`;
    });
    writeFileSync(this.#knownTokens, lines.join(''), { mode: 0o600 });
  }

  /** For `inmesh serve`. */
  get flags(): string[] {
    return ['--ca', this.#authority, '--ca-tokens', this.#knownTokens];
  }

  /** For a process of this service account. */
  variables(serviceAccount: string, authority: string): NodeJS.ProcessEnv {
    return {
      SERVICE_ACCOUNT: serviceAccount,
      INMESH_CA: authority,
      INMESH_CA_ROOTS: join(this.#authority, 'root-cert.pem'),
      INMESH_CA_TOKEN_FILE: this.#tokenOf(serviceAccount),
    };
  }

  #tokenOf(serviceAccount: string): string {
    return join(this.#tokens, serviceAccount);
  }
}
