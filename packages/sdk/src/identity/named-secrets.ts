import { createPrivateKey } from 'node:crypto';
import type { ReceivedSecret } from '@inmesh/xds/client';
import { parseCertificates } from './pem.js';
import type { SecretSource } from './tls-material.js';

/** Secrets by their names. One that cannot be used leaves the last good one of its name in use. */
export class NamedSecrets implements SecretSource {
  readonly #good = new Map<string, ReceivedSecret>();
  readonly #problems = new Map<string, string>();

  certificate(name: string): { readonly certificateChain: string; readonly privateKey: string } | undefined {
    const secret = this.#good.get(name);
    return secret?.kind === 'certificate' ? { certificateChain: secret.chain, privateKey: secret.key } : undefined;
  }

  authorities(name: string): string | undefined {
    const secret = this.#good.get(name);
    if (secret?.kind === 'authorities') return secret.text;
    return secret?.kind === 'domains' ? [...secret.texts.values()].join('\n') : undefined;
  }

  problem(name: string): string | undefined {
    return this.#problems.get(name);
  }

  has(name: string): boolean {
    return this.#good.has(name);
  }

  /** Takes a secret, or what `read` throws for why it is not. Returns that; undefined: it was taken. */
  put(name: string, read: () => ReceivedSecret): string | undefined {
    try {
      const secret = read();
      check(secret);
      this.#good.set(name, secret);
      this.#problems.delete(name);
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      this.#problems.set(name, message);
      return message;
    }
  }

  /** Forgets those that are not among these names. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of [...this.#good.keys(), ...this.#problems.keys()]) {
      if (names.has(name)) continue;
      this.#good.delete(name);
      this.#problems.delete(name);
    }
  }
}

/** @throws Error that has nothing of a key in it */
function check(secret: ReceivedSecret): void {
  switch (secret.kind) {
    case 'certificate': {
      const [leaf] = parseCertificates(secret.chain);
      if (!leaf!.checkPrivateKey(keyOf(secret.key))) throw new Error('its key is not that of its certificate');
      return;
    }
    case 'authorities':
      return void parseCertificates(secret.text);
    case 'domains':
      for (const text of secret.texts.values()) parseCertificates(text);
  }
}

function keyOf(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error(`its key is no private key (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`);
  }
}
