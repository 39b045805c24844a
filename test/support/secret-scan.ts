import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import type { Logger, Mesh } from 'inmesh';
import { Registry } from 'prom-client';
import { afterEach, expect } from 'vitest';
import { madeKeys } from './certificates.js';
import { formsOfKey, formsOfText, type SecretForm } from './secret-forms.js';

const debugPages = ['config_dump', 'status', 'issues', 'loads', 'endpoints'];

/**
 * Listens to all that a test's meshes and servers say, and fails the test if any of it shows a key or another secret. Keys of
 * test certificates are known by themselves. Make one for a test file: `const scan = scanForSecrets()`.
 */
export function scanForSecrets(): SecretScan {
  const scan = new SecretScan();
  // Hooks run from the last one back: what was kept for the end of the test is still open.
  afterEach(() => scan.check());
  return scan;
}

export class SecretScan {
  /** For `prometheus`. */
  registry = new Registry();
  readonly lines: string[] = [];
  readonly logger: Logger;
  readonly #said: { readonly where: string; readonly text: string }[] = [];
  readonly #secrets: SecretForm[] = [];
  readonly #meshes: Mesh[] = [];
  readonly #servers: { readonly debug: string; readonly metrics: string }[] = [];

  constructor() {
    const log = (message: string, fields?: object) => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`);
      this.#tell('the log', inspect(fields, { depth: 10 }));
    };
    this.logger = { debug: log, info: log, warn: log, error: log };
  }

  /** Something that must not be told, such as a token. */
  guard(what: string, secret: string): void {
    this.#secrets.push(...formsOfText(what, secret));
  }

  guardKey(pem: string): void {
    this.#secrets.push(...formsOfKey(pem));
  }

  /** An error, or an answer. Returns it. */
  hear<T>(what: T): T {
    this.#tell('what was thrown or answered', everythingIn(what));
    return what;
  }

  /** What a handler may print. */
  hearRequest(req: IncomingMessage): void {
    this.#tell('a request', inspect(req, { depth: 6 }));
    this.#tell('the connection of a request', inspect(req.socket));
  }

  /** Looks at all that it hands out, when the test ends. */
  watch(mesh: Mesh): void {
    this.#meshes.push(mesh);
  }

  /** The same for the pages of a config server. */
  watchServer(addresses: { readonly debug: string; readonly metrics: string }): void {
    this.#servers.push(addresses);
  }

  metrics(): Promise<string> {
    return this.registry.metrics();
  }

  async check(): Promise<void> {
    for (const mesh of this.#meshes) this.#lookAt(mesh);
    for (const server of this.#servers) await this.#readPages(server);
    this.#tell('the log', this.lines.join('\n'));
    this.#tell('the metrics', await this.metrics());
    for (const key of madeKeys) this.guardKey(key);
    const found = this.#said.flatMap(({ where, text }) =>
      this.#secrets.filter((secret) => text.includes(secret.text)).map(({ what }) => `${what} in ${where}`),
    );
    this.#forget();
    expect([...new Set(found)], 'secrets that were told').toEqual([]);
  }

  #lookAt(mesh: Mesh): void {
    const { identity } = mesh.internals;
    const key = identity?.current?.certificate?.privateKey;
    if (key !== undefined) this.guardKey(key);
    this.#tell('status()', everythingIn(mesh.status()));
    this.#tell('explain()', everythingIn(mesh.explain('http://reviews/')));
    this.#tell('the snapshot', inspect(mesh.snapshots.current, { depth: 8 }));
    this.#tell('the mesh', inspect(mesh, { depth: 8, getters: true }));
    this.#tell('the identity', everythingIn(identity?.current));
    this.#tell('the source of the identity', everythingIn(identity));
  }

  async #readPages({ debug, metrics }: { debug: string; metrics: string }): Promise<void> {
    const urls = [...debugPages.map((page) => `http://${debug}/debug/${page}`), `http://${metrics}/metrics`];
    for (const url of urls) {
      const response = await fetch(url);
      expect(response.status, url).toBe(200);
      this.#tell(url, await response.text());
    }
  }

  #tell(where: string, text: string): void {
    this.#said.push({ where, text });
  }

  #forget(): void {
    this.registry = new Registry();
    for (const list of [this.lines, this.#said, this.#secrets, this.#meshes, this.#servers]) list.length = 0;
  }
}

/** As people and programs print it. */
function everythingIn(what: unknown): string {
  if (typeof what === 'string') return what;
  const own = what instanceof Error ? `${what.stack} ${inspect(what.cause, { depth: 10 })}` : '';
  return `${own} ${inspect(what, { depth: 10, getters: true })} ${json(what)}`;
}

/** Undefined for what goes around in circles. */
function json(what: unknown): string | undefined {
  try {
    return JSON.stringify(what);
  } catch {
    return undefined;
  }
}
