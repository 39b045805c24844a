import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { MeshError, type ResourceProblem, type SnapshotHolder } from '@inmesh/core';
import type { Dispatcher } from 'undici';
import type { Publisher } from './discovery/publisher.js';
import type { ConfigSource } from './discovery/source.js';
import { type ExplainRequest, type Explanation, explainSnapshot } from './explain.js';
import type { MeshGrpc } from './grpc/mesh-grpc.js';
import type { GuardPolicy } from './guard/guard-policy.js';
import type { Guards } from './guard/guards.js';
import type { MeshFetch } from './http/fetch.js';
import { installDispatcher } from './http/install.js';
import { type IdentityStatus, identityStatus } from './identity/open-identity.js';
import type { MeshInternals } from './mesh-internals.js';
import { currentInbound } from './server/current-call.js';
import { createServer } from './server/node-http.js';
import type { RequestMesh } from './server/request-mesh.js';
import { secureServer } from './server/tls/secure-server.js';

export interface MeshStatus {
  /** Where configuration comes from: all config servers, in the order in which they are tried, or files, or `dns`. */
  readonly source: string;
  /** The config server that is connected and listened to; undefined while there is none. */
  readonly server: string | undefined;
  /** Whether a first configuration has been applied. */
  readonly ready: boolean;
  /** Counts up with every configuration or endpoint change that was applied. */
  readonly generation: number;
  /** Why the configuration may be old; undefined while all is well. */
  readonly problem: string | undefined;
  /** What is wrong with single resources of the configuration; the others are in use. Empty while all is well. */
  readonly resourceProblems: readonly ResourceProblem[];
  /** Undefined: this workload was given none. */
  readonly identity: IdentityStatus | undefined;
}

/** What `createMesh` puts together. */
export interface MeshParts {
  readonly internals: MeshInternals;
  readonly dispatcher: Dispatcher;
  readonly fetch: MeshFetch;
  readonly grpc: MeshGrpc;
  readonly guards: Guards;
  readonly publisher: Publisher;
  readonly source: ConfigSource | undefined;
  readonly firstConfiguration: Promise<void>;
  readonly close: (graceMs: number) => Promise<void>;
}

/** Well within the 30 s that Kubernetes leaves a pod. */
export const defaultGraceMs = 10_000;

/** A service's door to the mesh. Make one for a process with `createMesh`, and close it at the end. */
export class Mesh {
  /** For this library's own adapters. */
  readonly internals: MeshInternals;
  /** An undici Dispatcher: give it to `request`, `fetch` or anything else that takes one. */
  readonly dispatcher: Dispatcher;
  /** Node's fetch through the mesh; rejects with a MeshError where the mesh itself fails the call. */
  readonly fetch: MeshFetch;
  /** Channels and clients of @grpc/grpc-js through the mesh. */
  readonly grpc: MeshGrpc;
  readonly #parts: MeshParts;
  #ready = false;
  #uninstall: (() => void) | undefined;

  constructor(parts: MeshParts) {
    this.#parts = parts;
    this.internals = parts.internals;
    this.dispatcher = parts.dispatcher;
    this.fetch = parts.fetch;
    this.grpc = parts.grpc;
    parts.firstConfiguration.then(
      () => {
        this.#ready = true;
      },
      () => {}, // told by `ready()`
    );
  }

  /** The configuration in use; it is replaced as a whole. */
  get snapshots(): SnapshotHolder {
    return this.internals.snapshots;
  }

  /**
   * Sends every `fetch()` of this process, and every undici call without a dispatcher of its own, through the mesh.
   * Returns what undoes it; calling that twice does nothing more.
   */
  install(): () => void {
    if (this.#uninstall !== undefined) return this.#uninstall;
    const undo = installDispatcher(this.dispatcher);
    const uninstall = () => {
      undo();
      if (this.#uninstall === uninstall) this.#uninstall = undefined;
    };
    this.#uninstall = uninstall;
    return uninstall;
  }

  /**
   * Settles when a first configuration is in use.
   * @param timeoutMs how long to wait; default 15 000
   * @throws MeshError `not_ready`, with what the source says is wrong
   */
  async ready({ timeoutMs = 15_000 }: { timeoutMs?: number } = {}): Promise<void> {
    if (this.#ready) return;
    const { clock } = this.internals;
    let timer: { cancel(): void } | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = clock.setTimer(timeoutMs, () => reject(this.#notReady(timeoutMs)));
    });
    try {
      await Promise.race([this.#parts.firstConfiguration, tooLate]);
    } finally {
      timer?.cancel();
    }
  }

  /** What would become of a request, and why. */
  explain(request: ExplainRequest | string): Explanation {
    return explainSnapshot(this.internals.snapshots.current, typeof request === 'string' ? { url: request } : request);
  }

  status(): MeshStatus {
    const { source } = this.#parts;
    return {
      source: source?.description ?? 'dns',
      server: source?.server,
      ready: this.#ready,
      generation: this.internals.snapshots.current.generation,
      problem: source?.problem,
      resourceProblems: this.internals.snapshots.current.problems,
      identity: identityStatus(this.internals.identity),
    };
  }

  /**
   * Puts a breaker, retries and limits around any function; see `GuardPolicy`. Functions guarded under one name share
   * their breaker and limits.
   * @throws MeshError `invalid_request` when the policy is wrong, or is another than the name's
   */
  guard<This, Args extends unknown[], Result>(
    name: string,
    fn: (this: This, ...args: Args) => Result | PromiseLike<Result>,
    policy?: GuardPolicy,
  ): (this: This, ...args: Args) => Promise<Result> {
    return this.#parts.guards.guard(name, fn, policy);
  }

  /**
   * Puts the mesh's TLS before a server that exists already, such as that of `app.listen`: `mesh.secure(createServer(app))`,
   * before it listens. With PERMISSIVE it takes TLS and plain text on one port, with STRICT TLS alone.
   */
  secure<S extends Server>(server: S): S {
    return secureServer(this.internals, server);
  }

  /** For Fastify: `fastify({ serverFactory: mesh.serverFactory })`, beside `fastifyPlugin`. */
  readonly serverFactory = (handler: RequestListener): Server => this.secure(createHttpServer(handler));

  /** `http.createServer` whose handler runs in the mesh's context: deadline, trace and routing headers carry on by themselves. */
  createServer(handler: RequestListener | ((...args: Parameters<RequestListener>) => Promise<void>)): Server {
    return createServer(this.internals, handler);
  }

  /**
   * Who calls the handler that this is called in, as `req.mesh` says; gRPC handlers have no request to ask. Undefined outside
   * of handlers.
   */
  caller(): RequestMesh | undefined {
    return currentInbound();
  }

  /**
   * Undoes `install`, stops discovery, lets calls under way end, then closes every connection. Later calls fail with
   * `mesh_closed`. Without it, a connection to a config server keeps the process alive.
   * @param graceMs how long calls under way may take; then they are ended. Default 10 000
   */
  async close({ graceMs = defaultGraceMs }: { graceMs?: number } = {}): Promise<void> {
    this.#uninstall?.();
    await this.#parts.close(graceMs);
  }

  #notReady(timeoutMs: number): MeshError {
    const { source } = this.#parts;
    return new MeshError('not_ready', {
      message: `no configuration from ${source?.description ?? 'dns'} within ${timeoutMs} ms: ${source?.problem ?? 'none was sent'}`,
      hint: 'check the address of the config server, or the folder',
    });
  }
}
