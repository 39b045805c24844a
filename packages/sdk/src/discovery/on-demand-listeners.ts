import {
  awaitedInbound,
  type Clock,
  type Listener,
  MeshError,
  type MeshResources,
  splitAuthority,
  type Timer,
} from '@inmesh/core';
import { type Bootstrap, inboundListenerName, listenerName } from '@inmesh/xds/bootstrap';

export interface OnDemandOptions {
  readonly bootstrap: Bootstrap;
  readonly clock: Clock;
  /** How long a call waits for what the server may not have, in ms; for a target of `xds:`, only while there is no server. */
  readonly waitMs: number;
  /** Tells the client which listeners to ask for. */
  readonly subscribe: (names: ReadonlySet<string>) => void;
  /** Why there is no server; undefined while there is one. */
  readonly problem: () => string | undefined;
  /** What was delivered last has to be delivered again, because other hosts are looked at. */
  readonly onHosts: () => void;
}

type State =
  | { readonly kind: 'waiting'; readonly timer: Timer; readonly settled: Promise<void>; readonly settle: () => void }
  | { readonly kind: 'present' }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'unasked' }
  /** Nobody could be asked, or the answer takes too long. */
  | { readonly kind: 'given up' };

interface Host {
  /** The name of its listener. */
  readonly resource: string;
  /** By a target of `xds:`, which means the listener and nothing else. */
  readonly isClaimed: boolean;
  state: State;
  alias: { readonly of: Listener; readonly listener: Listener } | undefined;
}

/** Hosts that were called, apart from claimed ones; the one called longest ago is forgotten first. */
const maxHosts = 1000;

/**
 * For servers that are asked by name: the hosts that were called, each with the listener that the templates of the bootstrap
 * give it. A host whose listener does not exist is called as DNS resolves it, unless it is the target of `xds:`: then the
 * call fails with the reason.
 */
export class OnDemandListeners {
  readonly #options: OnDemandOptions;
  /** By `host:port`, the one called longest ago first. */
  readonly #hosts = new Map<string, Host>();
  #resources: MeshResources | undefined;
  #isClosed = false;
  /** Runs when hosts have come or gone that the client was not told of. */
  #announcement: Timer | undefined;

  constructor(options: OnDemandOptions) {
    this.#options = options;
  }

  /** Asks for what is demanded of those that come in: whoever is called or not, policies hold. */
  start(): void {
    this.#announce();
  }

  /**
   * A channel to `xds://AUTHORITY/HOST`, or to `xds:///HOST`.
   * @throws MeshError `invalid_request` for an authority that the bootstrap does not have, and for one host of two authorities
   */
  claim(scheme: 'http' | 'https', host: string, authority: string | undefined): void {
    const resource = listenerName(this.#options.bootstrap, host, authority);
    if (resource === undefined) {
      const known = [...this.#options.bootstrap.authorities.keys()].join(', ');
      throw refused(`the bootstrap has no authority ${JSON.stringify(authority)}; it has ${known || 'none'}`);
    }
    const key = withPort(scheme, host);
    const before = this.#hosts.get(key);
    if (before?.isClaimed && before.resource !== resource) {
      throw refused(`${host} is the listener ${before.resource} already, and cannot be ${resource} too`);
    }
    if (before?.isClaimed) return;
    if (before?.state.kind === 'waiting') before.state.settle();
    this.#hosts.set(key, { resource, isClaimed: true, state: { kind: 'unasked' }, alias: undefined });
    this.#hostsChanged();
  }

  /** Settles when the host's listener is in use, or is known to be none. Undefined when that is so already. */
  prepare(scheme: 'http' | 'https', authority: string): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    const key = withPort(scheme, authority);
    const host = this.#hosts.get(key) ?? this.#add(key, authority);
    this.#touch(key, host);
    if (this.#isWorthWaiting(host)) this.#wait(host);
    if (host.state.kind === 'waiting') return host.state.settled.then(() => this.#check(host));
    if (host.state.kind === 'present' || !host.isClaimed) return undefined;
    return Promise.reject(failure(host, this.#options.problem()));
  }

  /** By the names that are called instead of those of the server. */
  rename(resources: MeshResources): MeshResources {
    this.#resources = resources;
    const listeners = new Map<string, Listener>();
    const refusals = refusalsOf(resources);
    for (const [key, host] of this.#hosts) {
      const listener = found(host, resources, refusals);
      if (listener !== undefined) listeners.set(key, aliasOf(host, key, listener));
    }
    return { ...resources, listeners, ...inboundOf(resources) };
  }

  /** What `rename` made is in use now. A host that was called since then is not in it, even if its listener is known. */
  published(renamed: MeshResources): void {
    const refusals = refusalsOf(renamed);
    for (const [key, host] of this.#hosts) {
      const before = host.state;
      const state = stateIn(host, renamed.listeners.has(key), refusals);
      if (state === undefined) continue;
      host.state = state;
      settle(before);
    }
  }

  /** Calls that wait fail, or go on to where they learn that the mesh is closed. */
  close(): void {
    this.#isClosed = true;
    this.#announcement?.cancel();
    for (const { state } of this.#hosts.values()) settle(state);
    this.#hosts.clear();
  }

  #add(key: string, authority: string): Host {
    const resource = listenerName(this.#options.bootstrap, authority) ?? authority;
    const host: Host = { resource, isClaimed: false, state: { kind: 'unasked' }, alias: undefined };
    this.#hosts.set(key, host);
    this.#forgetOldHosts();
    this.#wait(host);
    this.#hostsChanged();
    return host;
  }

  /** Together with all that are called in this turn of the event loop: it costs as much as there are hosts. */
  #hostsChanged(): void {
    this.#announcement ??= this.#options.clock.setTimer(0, () => this.#announce());
  }

  #announce(): void {
    this.#announcement = undefined;
    const hosts = [...this.#hosts.values()].map(({ resource }) => resource);
    this.#options.subscribe(new Set([inboundListenerName, ...hosts]));
    if (this.#resources !== undefined) this.#options.onHosts();
  }

  #wait(host: Host): void {
    const { clock, waitMs, problem } = this.#options;
    let resolve!: () => void;
    const settled = new Promise<void>((done) => {
      resolve = done;
    });
    const wait = () => {
      const timer = clock.setTimer(waitMs, () => {
        if (host.isClaimed && problem() === undefined) wait();
        else giveUp();
      });
      host.state = { kind: 'waiting', timer, settled, settle: resolve };
    };
    const giveUp = () => {
      host.state = { kind: 'given up' };
      resolve();
    };
    wait();
  }

  /** Once; for a target of `xds:`, whenever there is a server to wait for. */
  #isWorthWaiting({ state, isClaimed }: Host): boolean {
    if (state.kind === 'given up') return isClaimed && this.#options.problem() === undefined;
    return state.kind === 'unasked';
  }

  #check(host: Host): void {
    if (!host.isClaimed || host.state.kind === 'present') return;
    throw failure(host, this.#options.problem());
  }

  /** Only near the limit does the order matter. */
  #touch(key: string, host: Host): void {
    if (this.#hosts.size <= maxHosts / 2) return;
    this.#hosts.delete(key);
    this.#hosts.set(key, host);
  }

  #forgetOldHosts(): void {
    for (const [key, host] of this.#hosts) {
      if (this.#hosts.size <= maxHosts) return;
      if (!host.isClaimed && host.state.kind !== 'waiting') this.#hosts.delete(key);
    }
  }
}

/**
 * Until the server has said what is demanded of those that come in, nobody comes in. It may say nothing, which takes as long
 * as any listener that does not exist; that there is none is no problem.
 */
function inboundOf({ inbound, problems }: MeshResources): Pick<MeshResources, 'inbound' | 'problems'> {
  if (inbound !== undefined) return { inbound };
  const others = problems?.filter(({ kind, name }) => kind !== 'listener' || name !== inboundListenerName);
  const isAbsent = others?.length !== problems?.length;
  return isAbsent ? { inbound: undefined, problems: others } : { inbound: awaitedInbound };
}

/** Why listeners are not there, by their names. */
type Refusals = ReadonlyMap<string, string>;

function refusalsOf({ problems = [] }: MeshResources): Refusals {
  const refused = problems.filter(({ kind, servesLastGood }) => kind === 'listener' && !servesLastGood);
  return new Map(refused.map(({ name, reason }) => [name, reason]));
}

function stateIn({ resource }: Host, isInUse: boolean, refusals: Refusals): State | undefined {
  if (isInUse) return { kind: 'present' };
  const reason = refusals.get(resource);
  return reason === undefined ? undefined : { kind: 'missing', reason };
}

/** In the place of one that is refused or does not exist there is a listener without any route. */
function found({ resource }: Host, { listeners }: MeshResources, refusals: Refusals): Listener | undefined {
  // The names of listeners are hosts most often, and so in lower case.
  return refusals.has(resource) ? undefined : listeners.get(resource.toLowerCase());
}

/** The same object as long as the listener is, because later stages compare by identity. */
function aliasOf(host: Host, name: string, of: Listener): Listener {
  if (of.name === name) return of;
  if (host.alias?.of !== of) host.alias = { of, listener: Object.freeze({ ...of, name }) };
  return host.alias.listener;
}

function settle(state: State): void {
  if (state.kind !== 'waiting') return;
  state.timer.cancel();
  state.settle();
}

function failure({ resource, state }: Host, problem?: string): MeshError {
  const reason = state.kind === 'missing' ? state.reason : (problem ?? 'the mesh was closed');
  return new MeshError(state.kind === 'missing' ? 'no_route' : 'not_ready', {
    message: `listener ${resource}: ${reason}`,
    // gRPC's answer to a target that xDS does not have.
    httpStatus: 503,
    grpcStatus: 14,
  });
}

function refused(message: string): MeshError {
  return new MeshError('invalid_request', { message });
}

function withPort(scheme: 'http' | 'https', authority: string): string {
  const { host, port } = splitAuthority(authority);
  return `${host}:${port || (scheme === 'http' ? '80' : '443')}`;
}
