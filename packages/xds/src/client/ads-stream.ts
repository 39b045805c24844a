import { create } from '@bufbuild/protobuf';
import type { Clock, Timer } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { type DiscoveryRequest, DiscoveryRequestSchema, type DiscoveryResponse, type Node } from '../messages.js';
import type { ResourceError } from '../resources/decode-result.js';
import { kindOf, type ResourceKind, typeUrls } from '../resources/type-urls.js';
import type { AdsConnection } from './connection.js';
import { formatRefusal, summarizeWarnings } from './problems.js';
import { ResponseReader } from './read-response.js';
import type { Warming } from './warming.js';

/** gRPC's INVALID_ARGUMENT, as Envoy sends it. */
const invalidArgument = 3;

/** The longest stretch of reading resources before the event loop gets its turn. */
const sliceMs = 8;

export interface AdsStreamOptions {
  readonly connection: AdsConnection;
  readonly warming: Warming;
  readonly node: Node;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The wire rules of one state-of-the-world stream: nonces, ACK, NACK and subscriptions (xds_protocol.rst). */
export class AdsStream {
  readonly #options: AdsStreamOptions;
  readonly #nonces = new Map<ResourceKind, string>();
  /** What was asked for last, to tell changes. */
  readonly #asked = new Map<ResourceKind, ReadonlySet<string>>();
  readonly #queue: DiscoveryResponse[] = [];
  #slice: Timer | undefined;
  #isBusy = false;
  #hasSentNode = false;

  constructor(options: AdsStreamOptions) {
    this.#options = options;
  }

  /** Asks for all clusters and listeners, and for what those that are known already refer to. */
  open(): void {
    this.#send('cluster');
    this.#send('listener');
    this.updateNames();
  }

  /** Asks for routes and endpoints if the names of those that are needed have changed. */
  updateNames(): void {
    for (const kind of ['endpoint', 'route'] as const) {
      const names = this.#options.warming.names(kind);
      const asked = this.#asked.get(kind);
      if (asked === undefined ? names.size > 0 : asked !== names) this.#send(kind);
    }
  }

  receive(response: DiscoveryResponse): void {
    this.#queue.push(response);
    if (!this.#isBusy) this.#next();
  }

  close(): void {
    this.#slice?.cancel();
    this.#queue.length = 0;
  }

  #next(): void {
    const response = this.#queue.shift();
    this.#isBusy = response !== undefined;
    if (response === undefined) this.#options.connection.resume();
    else this.#begin(response);
  }

  #begin(response: DiscoveryResponse): void {
    const { connection, warming, logger } = this.#options;
    const kind = kindOf(response.typeUrl);
    if (kind === undefined) {
      logger.warn('the config server sent a type that was not asked for', { typeUrl: response.typeUrl });
      this.#next();
      return;
    }
    connection.pause();
    this.#read(kind, response, new ResponseReader(kind, response.resources, warming.store[kind]));
  }

  #read<Kind extends ResourceKind>(kind: Kind, response: DiscoveryResponse, reader: ResponseReader<Kind>): void {
    const { clock } = this.#options;
    const end = clock.now() + sliceMs;
    reader.read(() => clock.now() >= end);
    if (reader.isDone) this.#finish(kind, response, reader);
    else this.#slice = clock.setTimer(0, () => this.#read(kind, response, reader));
  }

  #finish<Kind extends ResourceKind>(kind: Kind, response: DiscoveryResponse, reader: ResponseReader<Kind>): void {
    const { warming, logger } = this.#options;
    const { typeUrl, versionInfo: version } = response;
    this.#nonces.set(kind, response.nonce);
    // Other types that this one refers to are asked for in here, before it is acknowledged, as Envoy does.
    const errors = warming.apply(kind, version, reader.resources);
    if (reader.warnings.length > 0) {
      logger.warn('fields that are not supported are ignored', { typeUrl, fields: summarizeWarnings(reader.warnings) });
    }
    if (errors.length > 0) logger.warn('refused a configuration', { typeUrl, version, error: formatRefusal(errors) });
    this.#send(kind, errors);
    this.#next();
  }

  /** Carries the last good version and the nonce of the last response: an answer to that, or a new subscription. */
  #send(kind: ResourceKind, errors: readonly ResourceError[] = []): void {
    const { connection, warming, node } = this.#options;
    const request: DiscoveryRequest = create(DiscoveryRequestSchema, {
      typeUrl: typeUrls[kind],
      versionInfo: warming.store[kind].acceptedVersion,
      responseNonce: this.#nonces.get(kind) ?? '',
      resourceNames: this.#namesOf(kind),
    });
    if (!this.#hasSentNode) request.node = node;
    if (errors.length > 0) {
      request.errorDetail = {
        $typeName: 'google.rpc.Status',
        code: invalidArgument,
        message: formatRefusal(errors),
        details: [],
      };
    }
    this.#hasSentNode = true;
    connection.send(request);
  }

  /** No name ever means all of them, for clusters and listeners. */
  #namesOf(kind: ResourceKind): string[] {
    if (kind !== 'route' && kind !== 'endpoint') return [];
    const names = this.#options.warming.names(kind);
    this.#asked.set(kind, names);
    return [...names];
  }
}
