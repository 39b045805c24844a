import type { ClusterView, EndpointView } from './cluster-view.js';
import type { MeshError } from './errors.js';
import type { HeaderList } from './header-list.js';
import type { InboundConnection, VerifiedToken } from './model/peer.js';
import type { ForwardAction, Route, WeightedTarget } from './model/route.js';
import type { IdleWatch } from './policy/idle-watch.js';
import type { LocalResponse, Reply } from './service.js';
import type { MeshSnapshot } from './snapshot.js';
import type { CallRecorder } from './telemetry.js';

const noRecorders: readonly CallRecorder[] = Object.freeze([]);

/** What is known of a call when it begins; the fields are `Call`'s own. */
export interface CallInit {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderList;
  readonly snapshot: MeshSnapshot;
  readonly startedAt: number;
}

/**
 * One request seen without its protocol. Transports and server adapters extend it; filters read it and fill in the
 * lower half. One object serves all attempts of a call: there is one loop (retry) and no hedging.
 */
export abstract class Call {
  /** What Istio calls `request_protocol`: `http` or `grpc`. */
  abstract readonly protocol: 'http' | 'grpc';
  readonly scheme: 'http' | 'https';
  /** `host` or `host:port` as the caller wrote it, lower-case. */
  readonly authority: string;
  readonly method: string;
  /** Origin-form: path and query, beginning with `/`. */
  path: string;
  readonly headers: HeaderList;
  /** The configuration that this call runs on, whatever is published meanwhile. */
  /** Replaced only where an incoming call had to wait for the first configuration. */
  snapshot: MeshSnapshot;
  /** When the call must have ended, on the scale of `Clock.now()`; Infinity for never. */
  deadline = Number.POSITIVE_INFINITY;
  /** Whose time the deadline is, as the reason to fail with when it has passed. */
  deadlineReason: 'deadline_exceeded' | 'upstream_request_timeout' | 'max_duration_timeout' = 'deadline_exceeded';
  /** When the call began, on the same scale. */
  readonly startedAt: number;

  route: Route | undefined = undefined;
  /** What the route does, with what the request's own headers change of it; set when the route forwards. */
  action: ForwardAction | undefined = undefined;
  /** The one of the action's targets that was drawn. */
  target: WeightedTarget | undefined = undefined;
  cluster: ClusterView | undefined = undefined;
  endpoint: EndpointView | undefined = undefined;
  /** 1 for the first attempt; 0 before it. */
  attempt = 0;
  /** Endpoints that earlier attempts were sent to; undefined until the first retry. */
  triedEndpoints: EndpointView[] | undefined = undefined;

  /** Whose request it is: the peer's IP address for an incoming one, else that of the client being served or our own. */
  sourceAddress = '';
  /** Of an incoming call: what it came by, and who is at the other end. */
  connection: InboundConnection | undefined = undefined;
  /** Of an incoming call: its token, once it is verified. */
  token: VerifiedToken | undefined = undefined;
  /** What ring hash and Maglev look at; undefined until it was asked for, and when no hash policy found anything. */
  hashKey: bigint | undefined = undefined;
  /** An earlier or a later tier retries what this call is part of: no attempt is made that a budget would have to allow. */
  retriesElsewhere = false;
  /** It failed although it was retried, here or in a later tier, or could not be: no earlier tier is to retry it again. */
  retriesSpent = false;

  /** It waits until an endpoint takes it, to its deadline, where others fail (gRPC wait-for-ready). */
  waitForReady = false;

  /** Who listens to this call; the telemetry filter fills it in. */
  recorders: readonly CallRecorder[] = noRecorders;

  /** Set once, by `cancel`: the call must not go on. */
  cancelled: MeshError | undefined = undefined;
  /**
   * Ends whatever the call is waiting for right now (an attempt, a back-off) with the reason given. A call waits in one
   * place at a time, so one slot is enough, and nothing is registered on the way down.
   */
  interrupt: ((reason: MeshError) => void) | undefined = undefined;

  /** Where a transport tells of bytes in either direction; undefined where no idle timeout asks for it. */
  idleWatch: IdleWatch | undefined = undefined;
  /** The same for bytes of the response to the attempt under way. */
  attemptIdleWatch: IdleWatch | undefined = undefined;

  constructor(init: CallInit) {
    this.scheme = init.scheme;
    this.authority = init.authority;
    this.method = init.method;
    this.path = init.path;
    this.headers = init.headers;
    this.snapshot = init.snapshot;
    this.startedAt = init.startedAt;
  }

  /** Whether a new attempt could send the same request from its first byte. Asked after an attempt has failed. */
  abstract canReplay(): boolean;

  /**
   * A copy of the request as it is now, of the same kind, that can be sent beside it and whose response nobody sees.
   * Undefined where it cannot be copied.
   */
  abstract shadow(): Call | undefined;

  /** The answer of the mesh itself, in the protocol of the call. */
  abstract respond(response: LocalResponse): Reply;

  /**
   * Puts a header on the response before there is one: handlers of incoming calls write theirs in one go. What they set
   * themselves replaces it. Calls that go out have replies to write to.
   */
  presetResponseHeader(_name: string, _value: string): void {}

  /** What the handler of an incoming call is to see in the place of all that came by this name; undefined: nothing. */
  rewriteHeader(name: string, value: string | undefined): void {
    if (value === undefined) this.headers.delete(name);
    else this.headers.set(name, value);
  }

  /** The same for the path, query included. */
  rewritePath(path: string): void {
    this.path = path;
  }

  /** Ends the call wherever it waits. The first reason wins. */
  cancel(reason: MeshError): void {
    if (this.cancelled !== undefined) return;
    this.cancelled = reason;
    this.interrupt?.(reason);
  }
}
