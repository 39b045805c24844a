import type { Listener } from './model/listener.js';
import type { RouteTable, VirtualHostTable } from './router/route-table.js';

export interface ResolvedHost {
  readonly listener: Listener;
  readonly virtualHost: VirtualHostTable | undefined;
  /** `host:port` with the host fully qualified. */
  readonly name: string;
}

/** The name of the listener that takes every host and port that no other one of the configuration does. */
const everyOtherHost = '*';

const defaultPorts = { http: '80', https: '443' } as const;

/** Authorities come from callers, so the memory for answers is bounded. */
const maxRemembered = 2048;

/**
 * Finds the listener that an authority dials: the name itself, then each search domain (as `resolv.conf` does in a pod),
 * then wildcard listeners from the longest suffix to `*`, then a listener named just `*` for all that is left, else what
 * was made for a host beyond the configuration. An http URL without a port reaches
 * a host's only port.
 */
export class HostResolver {
  readonly #answers = new Map<string, ResolvedHost | undefined>();
  readonly #portsOfHost = new Map<string, string[]>();

  constructor(
    private readonly listeners: ReadonlyMap<string, Listener>,
    private readonly routeTables: ReadonlyMap<string, RouteTable>,
    private readonly searchDomains: readonly string[],
  ) {
    for (const [name, listener] of listeners) {
      if (listener.passthrough === true) continue;
      const { host, port } = splitAuthority(name);
      const ports = this.#portsOfHost.get(host);
      if (ports === undefined) this.#portsOfHost.set(host, [port]);
      else ports.push(port);
    }
  }

  resolve(scheme: 'http' | 'https', authority: string): ResolvedHost | undefined {
    const key = scheme === 'http' ? authority : `https://${authority}`;
    const known = this.#answers.get(key);
    if (known !== undefined || this.#answers.has(key)) return known;
    const answer = this.#find(scheme, authority);
    if (this.#answers.size >= maxRemembered) this.#answers.clear();
    this.#answers.set(key, answer);
    return answer;
  }

  #find(scheme: 'http' | 'https', authority: string): ResolvedHost | undefined {
    const { host, port } = splitAuthority(authority);
    for (const candidate of candidateHosts(host, this.searchDomains)) {
      const answer = this.#listenerOf(candidate, candidate, port, scheme);
      if (answer !== undefined) return answer;
    }
    for (const wildcard of wildcardsOf(host)) {
      const answer = this.#listenerOf(wildcard, host, port, scheme);
      if (answer !== undefined) return answer;
    }
    return this.#everyOther(host, port, scheme) ?? this.#listenerOf(host, host, port, scheme, true);
  }

  #everyOther(host: string, port: string, scheme: 'http' | 'https'): ResolvedHost | undefined {
    const listener = this.listeners.get(everyOtherHost);
    if (listener === undefined) return undefined;
    return this.#resolved(listener, host, port !== '' ? port : defaultPorts[scheme]);
  }

  #listenerOf(
    key: string,
    host: string,
    port: string,
    scheme: 'http' | 'https',
    passthrough = false,
  ): ResolvedHost | undefined {
    const actualPort = port !== '' ? port : this.#impliedPort(key, scheme);
    const listener = this.listeners.get(`${key}:${actualPort}`);
    if (listener === undefined || (listener.passthrough ?? false) !== passthrough) return undefined;
    return this.#resolved(listener, host, actualPort);
  }

  #resolved(listener: Listener, host: string, port: string): ResolvedHost {
    const routes = typeof listener.routes === 'string' ? listener.routes : listener.routes.name;
    return {
      listener,
      virtualHost: this.routeTables.get(routes)?.findVirtualHost(host, `${host}:${port}`),
      name: `${host}:${port}`,
    };
  }

  #impliedPort(key: string, scheme: 'http' | 'https'): string {
    if (scheme === 'https') return defaultPorts.https;
    const ports = key.startsWith('*') ? undefined : this.#portsOfHost.get(key);
    return ports !== undefined && ports.length === 1 ? ports[0]! : defaultPorts.http;
  }
}

/** Splits `host`, `host:port`, `[v6]` and `[v6]:port`; the port is empty when absent, a trailing dot is dropped. */
export function splitAuthority(authority: string): { host: string; port: string } {
  const colon = authority.lastIndexOf(':');
  const hasPort = colon > 0 && authority.indexOf(']', colon) < 0;
  const host = hasPort ? authority.slice(0, colon) : authority;
  return { host: host.endsWith('.') ? host.slice(0, -1) : host, port: hasPort ? authority.slice(colon + 1) : '' };
}

function* candidateHosts(host: string, searchDomains: readonly string[]): Generator<string> {
  yield host;
  for (const domain of searchDomains) yield `${host}.${domain}`;
}

function* wildcardsOf(host: string): Generator<string> {
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) yield `*${host.slice(dot)}`;
  yield '*';
}
