import type { Clock, Timer } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { Node } from '../messages.js';
import { kindOf, type ResourceKind } from '../resources/type-urls.js';
import type { AdsConnection } from './connection.js';
import { formatRefusal, summarizeWarnings } from './problems.js';
import type { Protocol, ReceivedResponse } from './protocol.js';
import { ResponseReader } from './read-response.js';
import type { WarmingScope } from './warming-scope.js';

/** The longest stretch of reading resources before the event loop gets its turn. */
const sliceMs = 8;

export interface AdsStreamOptions<Request extends { node?: Node | undefined }, Response> {
  readonly connection: AdsConnection<Request>;
  readonly protocol: Protocol<Request, Response>;
  readonly warming: WarmingScope;
  readonly node: Node;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One stream of either variant: subscriptions, reading in slices, ACK and NACK (xds_protocol.rst). */
export class AdsStream<Request extends { node?: Node | undefined }, Response> {
  readonly #options: AdsStreamOptions<Request, Response>;
  readonly #queue: Response[] = [];
  #slice: Timer | undefined;
  #isBusy = false;
  #hasSentNode = false;

  constructor(options: AdsStreamOptions<Request, Response>) {
    this.#options = options;
  }

  /** Asks for clusters and listeners, and for what those that are known already refer to, as far as names have changed. */
  updateNames(): void {
    this.#ask('cluster');
    this.#ask('listener');
    this.#ask('endpoint');
    this.#ask('route');
  }

  receive(response: Response): void {
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
    else this.#begin(this.#options.protocol.read(response));
  }

  #begin(response: ReceivedResponse): void {
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

  #read<Kind extends ResourceKind>(kind: Kind, response: ReceivedResponse, reader: ResponseReader<Kind>): void {
    const { clock } = this.#options;
    const end = clock.now() + sliceMs;
    reader.read(() => clock.now() >= end);
    if (reader.isDone) this.#finish(kind, response, reader);
    else this.#slice = clock.setTimer(0, () => this.#read(kind, response, reader));
  }

  #finish<Kind extends ResourceKind>(kind: Kind, response: ReceivedResponse, reader: ResponseReader<Kind>): void {
    const { warming, logger, protocol } = this.#options;
    const { typeUrl, version } = response;
    // Other types that this one refers to are asked for in here, before it is acknowledged, as Envoy does.
    const errors = warming.apply(kind, response, reader.resources);
    if (reader.warnings.length > 0) {
      logger.warn('fields that are not supported are ignored', { typeUrl, fields: summarizeWarnings(reader.warnings) });
    }
    if (errors.length > 0) logger.warn('refused a configuration', { typeUrl, version, error: formatRefusal(errors) });
    this.#send(protocol.answer(kind, response, warming.names(kind), errors));
    this.#next();
  }

  #ask(kind: ResourceKind): void {
    const request = this.#options.protocol.ask(kind, this.#options.warming.names(kind));
    if (request !== undefined) this.#send(request);
  }

  #send(request: Request): void {
    if (!this.#hasSentNode) request.node = this.#options.node;
    this.#hasSentNode = true;
    this.#options.connection.send(request);
  }
}
