import type { SourceFile } from '@inmesh/config';
import type { ResourceType } from '../../kubernetes/client/objects.js';
import { Reflector, type ReflectorOptions } from '../../kubernetes/reflector/reflector.js';
import type { ReflectorProblem } from '../../kubernetes/reflector/reflector-problem.js';
import { ClusterFiles } from './cluster-files.js';
import type { ClusterObject } from './cluster-object.js';
import { wholeObject } from './kept-parts.js';
import { isRecord } from './records.js';

export const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

export interface ReferencedSecretsOptions extends Pick<ReflectorOptions<ClusterObject>, 'client' | 'clock' | 'random'> {
  readonly timings: ReflectorOptions<ClusterObject>['timings'];
  readonly namespaces: readonly string[];
  readonly excludedNamespaces: readonly string[];
  readonly onChange: () => void;
  readonly onProblem: (name: string, problem: ReflectorProblem | undefined) => void;
}

/**
 * The Secrets that DestinationRules name, and no others: each name is asked for by itself. A client has those of its own
 * namespace, so a name is looked for in all of them.
 */
export class ReferencedSecrets {
  readonly #files = new ClusterFiles();
  readonly #reflectors = new Map<string, Reflector<ClusterObject>>();
  /** By name, when it is known once, or known why it is not. */
  readonly #looks = new Map<string, Promise<void>>();
  readonly #ending = new Set<Promise<void>>();

  constructor(private readonly options: ReferencedSecretsOptions) {}

  files(): readonly SourceFile[] {
    return this.#files.list();
  }

  /** Follows those that these DestinationRules name, and forgets all others. */
  follow(destinationRules: Iterable<ClusterObject>): void {
    const wanted = new Set([...destinationRules].flatMap((rule) => [...credentialNames(rule.spec)]).flatMap(both));
    for (const name of wanted) if (!this.#reflectors.has(name)) this.#reflect(name);
    for (const [name, reflector] of this.#reflectors) if (!wanted.has(name)) this.#forget(name, reflector);
  }

  async close(): Promise<void> {
    for (const [name, reflector] of this.#reflectors) this.#forget(name, reflector);
    await Promise.all(this.#ending);
  }

  /** Resolves when each of those that are followed now has been looked at once, well or badly. */
  async firstLook(): Promise<void> {
    await Promise.all(this.#looks.values());
  }

  #reflect(name: string): void {
    const { onChange, onProblem, ...tools } = this.options;
    let looked!: () => void;
    const look = new Promise<void>((resolve) => {
      looked = resolve;
    });
    this.#looks.set(name, look);
    const reflector = new Reflector<ClusterObject>({
      ...{ ...tools, type: secrets, fieldSelector: `metadata.name=${name}`, transform: wholeObject },
      onChange: (batch) => {
        if (this.#files.apply(batch)) onChange();
      },
      onProblem: (problem) => {
        onProblem(name, problem);
        looked();
      },
    });
    void reflector.synced.then(looked);
    this.#reflectors.set(name, reflector);
  }

  #forget(name: string, reflector: Reflector<ClusterObject>): void {
    this.#reflectors.delete(name);
    this.#looks.delete(name);
    this.#files.apply({ changed: [], removed: [...reflector.store.values()] });
    this.options.onProblem(name, undefined);
    const ended = reflector.close().then(() => void this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

/** Istio looks for the authorities under a name of their own, too. */
function both(name: string): string[] {
  return [name, `${name}-cacert`];
}

function* credentialNames(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* credentialNames(item);
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'credentialName' && typeof inner === 'string' && inner !== '') yield inner;
    else yield* credentialNames(inner);
  }
}
