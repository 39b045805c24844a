import type { KubernetesClient } from '../kubernetes/client/client.js';
import type { KubernetesObject, ObjectName, ResourceType } from '../kubernetes/client/objects.js';
import { isProblem, KubernetesError, problemOf } from '../kubernetes/client/problem.js';
import { missingRule } from '../kubernetes/rbac-rule.js';
import { type AuthorityStore, StoreAwayError } from './authority-store.js';
import { formatState, parseState } from './format-state.js';
import type { RollOver } from './roll-over.js';

export const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

interface Secret extends KubernetesObject {
  readonly type?: string;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Which Secret. */
export interface SecretName extends Required<ObjectName> {}

type SecretClient = Pick<KubernetesClient, 'get' | 'create' | 'update' | 'patch'>;

const key = 'authority.json';
/** Its value is when it was asked for. */
export const rotateAnnotation = 'inmesh.io/rotate-requested';

/**
 * A Secret of type Opaque with one key. Each change is made to the version that was read, so of servers that change it at
 * once one wins, and the others take what it has kept. All of them look every 10 s (`CertificateAuthority.refresh`).
 */
export class SecretStore implements AuthorityStore {
  #last: Secret | undefined;

  constructor(
    private readonly client: SecretClient,
    private readonly name: SecretName,
  ) {}

  /** @throws Error that names the Secret, and the rule that is missing; StoreAwayError while the API server is away */
  async load(): Promise<RollOver | undefined> {
    return await this.#telling('get', async () => {
      try {
        return this.#read(await this.client.get<Secret>(secrets, this.name));
      } catch (error) {
        if (!isProblem(error, 'not_found')) throw error;
        this.#last = undefined;
        return undefined;
      }
    });
  }

  async create(state: RollOver): Promise<RollOver> {
    return await this.#telling('create', async () => {
      const labels = { 'app.kubernetes.io/managed-by': 'inmesh' };
      const secret: Secret = { metadata: { ...this.name, labels }, type: 'Opaque', data: dataOf(state) };
      try {
        return this.#read(await this.client.create(secrets, secret));
      } catch (error) {
        if (!isProblem(error, 'already_exists')) throw error;
        return (await this.load()) ?? state;
      }
    });
  }

  /** What was asked for is answered by the same write, so that a crash forgets neither. */
  async save(state: RollOver): Promise<RollOver> {
    const last = this.#last;
    if (last === undefined) return await this.create(state);
    return await this.#telling('update', async () => {
      const { [rotateAnnotation]: _, ...annotations } = last.metadata.annotations ?? {};
      const metadata = { ...last.metadata, annotations };
      try {
        return this.#read(
          await this.client.update<Secret>(secrets, { ...last, metadata, data: { ...last.data, ...dataOf(state) } }),
        );
      } catch (error) {
        if (!isProblem(error, 'conflict') && !isProblem(error, 'not_found')) throw error;
        return (await this.load()) ?? (await this.create(state));
      }
    });
  }

  async takeRotateRequest(): Promise<boolean> {
    return this.#last?.metadata.annotations?.[rotateAnnotation] !== undefined;
  }

  #read(secret: Secret): RollOver {
    const { namespace, name } = this.name;
    const text = Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
    const state = parseState(text, `the key ${key} of the Secret ${namespace}/${name}`);
    this.#last = secret;
    return state;
  }

  async #telling<Result>(verb: string, ask: () => Promise<Result>): Promise<Result> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof KubernetesError) throw explained(error, verb, this.name);
      throw error;
    }
  }
}

/**
 * Asks the servers that share this Secret to change their root.
 * @param now wall clock, in ms
 * @throws Error that says what is wrong
 */
export async function requestSecretRotation(client: SecretClient, name: SecretName, now: number): Promise<void> {
  const body = { metadata: { annotations: { [rotateAnnotation]: new Date(now).toISOString() } } };
  try {
    await client.patch(secrets, name, { kind: 'merge', body });
  } catch (error) {
    const { namespace } = name;
    if (!isProblem(error, 'not_found')) throw explained(error, 'patch', name);
    throw new Error(`there is no certificate authority of inmesh in the Secret ${namespace}/${name.name}`);
  }
}

function explained(error: unknown, verb: string, { namespace, name }: SecretName): Error {
  const problem = problemOf(error);
  const { kind } = problem;
  const place = `the Secret ${namespace}/${name}`;
  // What is said of a Secret that is invalid may quote it.
  const message = kind === 'invalid' ? 'the API server does not take it' : problem.message;
  const isAway = kind === 'unreachable' || kind === 'timeout' || kind === 'busy';
  if (isAway) return new StoreAwayError(`${place} cannot be used: ${message}`);
  if (kind !== 'forbidden') return new Error(`${place} cannot be used: ${message}`);
  // What is to be created has no name yet that a rule could be about.
  const rule =
    verb === 'create'
      ? missingRule(secrets, ['create'], { namespace })
      : missingRule(secrets, [...new Set(['get', 'update', verb])], { namespace, name });
  return new Error(`${place} may not be used (${verb}): ${rule}`);
}

function dataOf(state: RollOver): Readonly<Record<string, string>> {
  return { [key]: Buffer.from(formatState(state)).toString('base64') };
}
