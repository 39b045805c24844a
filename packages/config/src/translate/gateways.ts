import { didYouMean } from '../nearest.js';
import type { Settings } from '../options.js';
import type { Place } from '../place.js';
import type { ObjectsByKind, ReadObject } from '../read-objects.js';
import type { Gateway, GatewayServer } from '../schema/gateway.js';
import { matchesWildcard } from './hosts.js';

type Source = ReadObject<Gateway>;

/** A port of a Gateway, with the hosts that it takes requests for. */
export interface ServedPort {
  /** Of the Gateway: `namespace/name`. */
  readonly gateway: string;
  readonly number: number;
  readonly hosts: readonly ServedHost[];
}

export interface ServedHost {
  /** May be a wildcard. */
  readonly host: string;
  /** Whose VirtualServices may have it; undefined for all. */
  readonly namespace: string | undefined;
}

/** Gateways by namespace and name, and the ports of those that this client is. */
export class Gateways {
  readonly ports: readonly ServedPort[];
  readonly #numbers = new Map<string, readonly number[]>();

  constructor(sources: ObjectsByKind['Gateway'], { client }: Settings) {
    const ports: ServedPort[] = [];
    for (const source of sources) {
      const served = portsOf(source);
      this.#numbers.set(keyOf(source), [...new Set(served.map(({ number }) => number))]);
      const { selector = {} } = source.body.spec;
      if (Object.keys(selector).length === 0) sayUnselective(source);
      else if (client.hasLabels(selector)) ports.push(...served);
    }
    this.ports = ports;
  }

  has(key: string): boolean {
    return this.#numbers.has(key);
  }

  /** The ports of a Gateway, whichever client it is. */
  numbersOf(key: string): readonly number[] {
    return this.#numbers.get(key) ?? [];
  }

  /** @param place where `key` is written */
  hintFor(key: string, place: Place): string | undefined {
    const keys = [...this.#numbers.keys()];
    return didYouMean(
      key,
      keys.filter((known) => place.mayHintAt(known.split('/')[0] ?? '')),
    );
  }
}

/** The narrower of two hosts when one is within the other. */
export function commonHost(a: string, b: string): string | undefined {
  if (a === b || isWithin(b, a)) return b;
  return isWithin(a, b) ? a : undefined;
}

function isWithin(host: string, pattern: string): boolean {
  return pattern.startsWith('*') && matchesWildcard(pattern, host);
}

function keyOf({ namespace, name }: Source): string {
  return `${namespace}/${name}`;
}

const httpProtocols = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'];
const otherProtocols = ['HTTPS', 'TLS', 'TCP', 'MONGO'];

function portsOf(source: Source): ServedPort[] {
  return source.body.spec.servers.flatMap((server, index) => {
    if (!isHttp(source, server, index)) return [];
    const hosts = server.hosts.map((written) => hostOf(written, source.namespace));
    return [{ gateway: keyOf(source), number: server.port.number, hosts }];
  });
}

function isHttp({ place }: Source, { port }: GatewayServer, index: number): boolean {
  const at = place.at('spec', 'servers', index, 'port', 'protocol');
  const protocol = port.protocol.toUpperCase();
  if (httpProtocols.includes(protocol)) return true;
  if (protocol === 'HTTPS' || protocol === 'TLS') {
    at.warn(`the server is ignored: ${protocol} ends at the platform, before the mesh`, 'route its plain HTTP port');
  } else if (otherProtocols.includes(protocol)) at.warn('the server is ignored: only HTTP is routed');
  else {
    const known = [...httpProtocols, ...otherProtocols];
    at.error(`"${port.protocol}" is none of ${known.join(', ')}`, didYouMean(protocol, known));
  }
  return false;
}

function hostOf(written: string, own: string): ServedHost {
  const slash = written.indexOf('/');
  const namespace = slash < 0 ? '*' : written.slice(0, slash);
  const host = written.slice(slash + 1).toLowerCase();
  return { host, namespace: namespace === '*' ? undefined : namespace === '.' ? own : namespace };
}

/** Istio gives it to every workload that is a proxy of the edge. Here any process may be one. */
function sayUnselective({ place }: Source): void {
  place.at('spec', 'selector').warn('selects no process: the Gateway is ignored', 'give it the labels of the edge');
}
