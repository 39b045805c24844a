import { statSync } from 'node:fs';
import { keyProblem } from './key-permissions.js';
import { parseCertificates } from './pem.js';
import { readRegularFileSync } from './regular-file.js';

interface Known {
  readonly stamp: string;
  readonly text: string;
}

/**
 * PEM files that the configuration names, read anew when a connection is made and they have changed. What cannot be read
 * any more, or is cut short, leaves the last good text in use.
 */
export class PemFiles {
  readonly #known = new Map<string, Known>();

  /** @throws Error where there is no good text yet */
  certificates(path: string): string {
    return this.#read(path, (text) => void parseCertificates(text));
  }

  /** @throws Error where there is no good text yet, or others may read or write the file */
  key(path: string): string {
    return this.#read(path, (text) => {
      const permissions = keyProblem(path);
      if (permissions !== undefined) throw new Error(`${permissions.message}; ${permissions.hint}`);
      if (!/-----END [A-Z ]*PRIVATE KEY-----/.test(text)) throw new Error('it is no private key');
    });
  }

  #read(path: string, check: (text: string) => void): string {
    const known = this.#known.get(path);
    try {
      const { ino, mtimeMs, size } = statSync(path);
      const stamp = [ino, mtimeMs, size].join();
      if (known?.stamp === stamp) return known.text;
      const text = readRegularFileSync(path);
      check(text);
      this.#known.set(path, { stamp, text });
      return text;
    } catch (error) {
      if (known !== undefined) return known.text;
      throw new Error(`${path}: ${(error as Error).message}`);
    }
  }
}
