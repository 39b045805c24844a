import type { DnsAnswer } from './dns-answer.js';
import type { QueryType } from './dns-message.js';
import type { HostsFile } from './hosts-file.js';
import { localAddresses } from './local-names.js';
import type { NotFound, Resolution, ServiceResolution } from './resolution.js';
import { candidateNames, type ResolvConf } from './resolv-conf.js';
import { targetsOfService } from './service-targets.js';

export interface NameResolverOptions {
  readonly client: { query(name: string, type: QueryType): Promise<DnsAnswer> };
  readonly conf: Pick<ResolvConf, 'search' | 'ndots'>;
  readonly hosts: HostsFile;
}

/** Literals, `localhost`, the hosts file, then DNS with the search list. No method rejects. */
export class NameResolver {
  constructor(private readonly options: NameResolverOptions) {}

  /** The first candidate name that has an address of either family. */
  async resolveName(hostname: string): Promise<Resolution> {
    const addresses = localAddresses(hostname, this.options.hosts);
    if (addresses === undefined) return this.#search(hostname, (name) => this.#resolveAbsolute(name));
    return {
      kind: 'addresses',
      addresses: [...addresses].sort(),
      ttlSeconds: Number.POSITIVE_INFINITY,
      partial: false,
    };
  }

  /** @param srvName e.g. `_http._tcp.name.namespace.svc.cluster.local`; the search list applies to it as well */
  resolveService(srvName: string): Promise<ServiceResolution> {
    return this.#search(srvName, async (name) => {
      const answer = await this.options.client.query(name, 'SRV');
      // A target is an absolute name (RFC 2782).
      return targetsOfService(answer, (target) => this.resolveName(`${target}.`));
    });
  }

  /**
   * Only «there is no such name» leads on to the next candidate. After a failure the name may well exist, and going on
   * could find another service of that name under a later domain.
   */
  async #search<R extends { readonly kind: string }>(
    name: string,
    resolve: (candidate: string) => Promise<R | NotFound>,
  ): Promise<R | NotFound> {
    let ttlSeconds = Number.POSITIVE_INFINITY;
    for (const candidate of candidateNames(name, this.options.conf)) {
      const result = await resolve(candidate);
      if (!isNotFound(result)) return result;
      ttlSeconds = Math.min(ttlSeconds, result.ttlSeconds);
    }
    return { kind: 'notFound', ttlSeconds };
  }

  async #resolveAbsolute(name: string): Promise<Resolution> {
    const { client } = this.options;
    return combineFamilies(await Promise.all([client.query(name, 'A'), client.query(name, 'AAAA')]));
  }
}

function isNotFound(result: { readonly kind: string }): result is NotFound {
  return result.kind === 'notFound';
}

/** One family that fails does not spoil the other: servers that know no AAAA answer it with all kinds of errors. */
function combineFamilies(answers: readonly DnsAnswer[]): Resolution {
  const found = answers.filter((answer) => answer.kind === 'records');
  const failure = answers.find((answer) => answer.kind === 'failure');
  if (found.length > 0) {
    const records = found.flatMap((answer) => answer.records);
    const addresses = records.flatMap((record) => (record.type === 'SRV' ? [] : [record.address]));
    const ttlSeconds = Math.min(...found.map((answer) => answer.ttlSeconds));
    return { kind: 'addresses', addresses: [...new Set(addresses)].sort(), ttlSeconds, partial: failure !== undefined };
  }
  const absent = answers.filter((answer) => answer.kind === 'nxdomain' || answer.kind === 'noData');
  // No such name means no such name of any type (RFC 8020), whatever the other question met with.
  const certain = failure === undefined || absent.some((answer) => answer.kind === 'nxdomain');
  if (!certain) return failure;
  return { kind: 'notFound', ttlSeconds: Math.min(...absent.map((answer) => answer.negativeTtl)) };
}
