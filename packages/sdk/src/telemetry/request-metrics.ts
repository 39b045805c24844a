import type { Call, CallEnd, CallRecorder, ClusterView, EndpointView, PeerIdentity, Telemetry } from '@inmesh/core';
import type { WorkloadInfo } from '../mesh-internals.js';
import {
  clientLabels,
  flagsOf,
  overflowLabels,
  type PeerLabels,
  peerLabels,
  serverLabels,
  withOutcome,
} from './istio-labels.js';
import type { Series, SeriesStore } from './series-store.js';

/** The series of one pair of peers, found by numbers instead of labels. */
class OutcomeTable {
  readonly #plain = new Map<number, Series>();
  readonly #flagged = new Map<string, Series>();

  constructor(
    private readonly peers: PeerLabels,
    private readonly store: SeriesStore,
  ) {}

  find(protocol: 'http' | 'grpc', end: CallEnd): Series {
    const key = (end.httpStatus * 64 + (end.grpcStatus ?? -1) + 1) * 2 + (protocol === 'http' ? 0 : 1);
    const flags = flagsOf(end);
    if (flags === undefined) return this.#plain.get(key) ?? this.#add(this.#plain, key, protocol, end);
    const flagged = `${key} ${flags}`;
    return this.#flagged.get(flagged) ?? this.#add(this.#flagged, flagged, protocol, end);
  }

  #add<Key>(table: Map<Key, Series>, key: Key, protocol: 'http' | 'grpc', end: CallEnd): Series {
    const series = this.store.find(withOutcome(this.peers, protocol, end));
    table.set(key, series);
    return series;
  }
}

/** Stands for the endpoint of a call that was given none. */
const noEndpoint = {};

/**
 * Counts requests. What a call runs on (cluster view, endpoint view) leads to its series by identity; a new configuration
 * brings new views, and the old tables go with the old ones.
 */
export class RequestMetrics implements Telemetry, CallRecorder {
  readonly #byCluster = new WeakMap<ClusterView, WeakMap<object, OutcomeTable>>();
  /** Calls that found no cluster. Callers choose these names, so the memory for them is bounded. */
  readonly #byAuthority = new Map<string, OutcomeTable>();
  #others: OutcomeTable | undefined;
  /** By SPIFFE ID. */
  readonly #byPeer = new Map<string, OutcomeTable>();
  #otherPeers: OutcomeTable | undefined;
  readonly #serverRecorder: CallRecorder;

  constructor(
    private readonly workload: WorkloadInfo,
    private readonly store: SeriesStore,
    /** The SPIFFE ID of this workload, as far as it has one. */
    private readonly ownPrincipal: () => string | undefined = () => undefined,
  ) {
    const server = {
      http: new OutcomeTable(serverLabels(workload, 'http'), store),
      https: new OutcomeTable(serverLabels(workload, 'https'), store),
    };
    this.#serverRecorder = {
      callEnded: (call, end) => {
        const peer = call.connection?.peer;
        count(peer === undefined ? server[call.scheme] : this.#tableOfPeer(peer), call, end);
      },
    };
  }

  callStarted(_call: Call, side: 'client' | 'server'): CallRecorder {
    return side === 'client' ? this : this.#serverRecorder;
  }

  /** Of a call that this process made. */
  callEnded(call: Call, end: CallEnd): void {
    const table =
      call.cluster === undefined ? this.#tableOfAuthority(call) : this.#tableOf(call.cluster, call.endpoint, call);
    count(table, call, end);
  }

  #tableOf(cluster: ClusterView, endpoint: EndpointView | undefined, call: Call): OutcomeTable {
    const tables = getOrAdd(this.#byCluster, cluster, () => new WeakMap());
    return getOrAdd(tables, endpoint ?? noEndpoint, () => new OutcomeTable(this.#clientLabels(call), this.store));
  }

  #tableOfAuthority(call: Call): OutcomeTable {
    const known = this.#byAuthority.get(call.authority);
    if (known !== undefined) return known;
    if (this.store.isFull) return this.#tableOfOthers(call);
    const table = new OutcomeTable(this.#clientLabels(call), this.store);
    if (this.#byAuthority.size < this.store.maxSeries) this.#byAuthority.set(call.authority, table);
    return table;
  }

  /** Without this each of a flood of names would be made into labels, only to find that there is no room for them. */
  #tableOfOthers(call: Call): OutcomeTable {
    this.#others ??= new OutcomeTable(overflowLabels(this.#clientLabels(call)), this.store);
    return this.#others;
  }

  /** As many as an authority has signed for, which need not be few. */
  #tableOfPeer(peer: PeerIdentity): OutcomeTable {
    const known = this.#byPeer.get(peer.spiffeId);
    if (known !== undefined) return known;
    const labels = peerLabels(this.workload, peer, this.ownPrincipal());
    if (this.store.isFull) {
      this.#otherPeers ??= new OutcomeTable(overflowLabels(labels), this.store);
      return this.#otherPeers;
    }
    const table = new OutcomeTable(labels, this.store);
    if (this.#byPeer.size < this.store.maxSeries) this.#byPeer.set(peer.spiffeId, table);
    return table;
  }

  #clientLabels(call: Call): PeerLabels {
    return clientLabels(this.workload, call, this.ownPrincipal());
  }
}

function count(table: OutcomeTable, call: Call, end: CallEnd): void {
  table.find(call.protocol, end).observe(end.durationMs);
}

function getOrAdd<Key extends object, Value>(map: WeakMap<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
