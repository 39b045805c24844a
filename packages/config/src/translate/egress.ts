import type { Client } from '../client.js';
import type { Memory } from '../memory.js';
import type { Settings } from '../options.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { Sidecar } from '../schema/sidecar.js';
import { matchesWildcard } from './hosts.js';
import type { MeshPort, MeshService } from './mesh-service.js';

type Source = ReadObject<Sidecar>;
type Rules = NonNullable<NonNullable<Sidecar['spec']>['egress']>;

/** What a client may call: by the Sidecar that is for it, and by what it says itself. */
export class Egress {
  readonly #registryOnly: boolean;
  readonly #rules: Rules | undefined;
  readonly #client: Client;
  readonly #memory: Memory;

  constructor(sidecars: ObjectsByKind['Sidecar'], { client, rootNamespace, memory }: Settings) {
    const spec = sidecarFor(sidecars, client, rootNamespace)?.body.spec;
    this.#registryOnly = [client.egress, spec?.outboundTrafficPolicy?.mode].includes('REGISTRY_ONLY');
    this.#rules = spec?.egress;
    this.#client = client;
    this.#memory = memory;
  }

  /** Whether a host that the configuration does not name is refused. */
  get registryOnly(): boolean {
    return this.#memory.ask('egress', (egress) => egress.#registryOnly);
  }

  /** Whether calls to this port are routed by its name; what is not seen is like a host that nothing names. */
  sees(service: MeshService, port: MeshPort): boolean {
    return this.#memory.ask('egress', (egress) => egress.#sees(service, port));
  }

  #sees(service: MeshService, port: MeshPort): boolean {
    if (service.isHidden === true) return false;
    if (this.#rules === undefined) return true;
    return this.#rules.some(
      (rule) =>
        (rule.port?.number === undefined || rule.port.number === port.number) &&
        rule.hosts.some((written) => this.#names(written, service)),
    );
  }

  #names(written: string, { namespace, host }: MeshService): boolean {
    const slash = written.indexOf('/');
    const place = written.slice(0, slash);
    const pattern = written.slice(slash + 1).toLowerCase();
    if (place === '~') return false;
    const inPlace = place === '*' || (place === '.' ? this.#client.isIn(namespace) : place === namespace);
    return inPlace && (pattern === host || (pattern.startsWith('*') && matchesWildcard(pattern, host)));
  }
}

/**
 * The oldest Sidecar of the client's namespace that selects it, else the one there without a selector, else that of the
 * root namespace (Istio sidecar.proto).
 */
function sidecarFor(sidecars: ObjectsByKind['Sidecar'], client: Client, rootNamespace: string): Source | undefined {
  const isForAll = ({ body }: Source) => body.spec?.workloadSelector === undefined;
  const ofRoot = sidecars.find((source) => source.namespace === rootNamespace && isForAll(source));
  const own = sidecars.filter((source) => source !== ofRoot && isInNamespace(source, client));
  return own.find((source) => !isForAll(source)) ?? own.find(isForAll) ?? ofRoot;
}

/** Both questions are asked, whatever the first answer is. */
function isInNamespace({ namespace, body }: Source, client: Client): boolean {
  const isNear = client.isIn(namespace);
  return client.hasLabels(body.spec?.workloadSelector?.labels ?? {}) && isNear;
}
