import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryResponseSchema,
} from '@inmesh/xds/messages';
import { adsService } from '../../packages/xds/src/grpc/ads-service.js';
import { resourceTypes, type WireResources } from '../../packages/xds/src/resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../../packages/xds/src/resources/type-urls.js';

export type XdsVariant = 'incremental' | 'state of the world';

export interface RawResource {
  readonly name: string;
  readonly any: Any;
}

export interface Answer {
  readonly typeUrl: string;
  readonly nonce: string;
  /** Of a refusal. */
  readonly message: string | undefined;
}

export interface ResponseShape {
  readonly typeUrl: string;
  readonly resources: readonly RawResource[];
  readonly nonce?: string;
  readonly removed?: readonly string[];
}

type Call = ServerDuplexStream<DiscoveryRequest | DeltaDiscoveryRequest, Uint8Array>;

/** An ADS server that answers with what it is given, and between that sends whatever bytes a test makes up. */
export class RawXdsServer {
  readonly #resources = new Map<string, RawResource[]>();
  readonly #calls = new Set<Call>();
  readonly answers: Answer[] = [];
  /** Streams that were opened so far. */
  opened = 0;
  /** Called with each stream instead of answering it. */
  takeOver: ((call: Call) => void) | undefined;
  #nonce = 0;
  #server: Server | undefined;
  #port = 0;

  constructor(readonly variant: XdsVariant = 'incremental') {}

  get uri(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get refusals(): string[] {
    return this.answers.flatMap(({ message }) => message ?? []);
  }

  /** On the port that it had before, when it was started before. */
  async start(): Promise<this> {
    const server = new Server({ 'grpc.max_send_message_length': -1 });
    const unknown = (call: Call) => call.emit('error', { code: status.UNIMPLEMENTED, details: 'not this variant' });
    const serve = (call: Call) => this.#serve(call);
    const isDelta = this.variant === 'incremental';
    server.addService(rawAdsService, {
      streamAggregatedResources: isDelta ? unknown : serve,
      deltaAggregatedResources: isDelta ? serve : unknown,
    });
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    this.#server = server;
    return this;
  }

  kill(): void {
    this.#server?.forceShutdown();
    this.#calls.clear();
  }

  /** What there is of a type from now on; every stream is told. */
  set<Kind extends ResourceKind>(kind: Kind, messages: readonly WireResources[Kind][]): void {
    const typeUrl = typeUrls[kind];
    const resources = messages.map((message) => resourceOf(kind, message));
    const names = new Set(resources.map(({ name }) => name));
    const removed = (this.#resources.get(typeUrl) ?? []).map(({ name }) => name).filter((name) => !names.has(name));
    this.#resources.set(typeUrl, resources);
    this.send({ typeUrl, resources, removed });
  }

  /** Sends a response to every stream; returns its nonce. */
  send(response: ResponseShape): string {
    this.#nonce += 1;
    const nonce = response.nonce ?? `n${this.#nonce}`;
    this.sendBytes(this.encode({ ...response, nonce }));
    return nonce;
  }

  /** Any bytes, as one message. */
  sendBytes(bytes: Uint8Array): void {
    for (const call of this.#calls) call.write(bytes);
  }

  /** Every stream, without a word. */
  endAll(): void {
    for (const call of this.#calls) call.end();
    this.#calls.clear();
  }

  encode({ typeUrl, resources, nonce = 'n', removed = [] }: ResponseShape): Uint8Array {
    if (this.variant === 'state of the world') {
      const anys = resources.map(({ any }) => any);
      return toBinary(
        DiscoveryResponseSchema,
        create(DiscoveryResponseSchema, { typeUrl, nonce, versionInfo: nonce, resources: anys }),
      );
    }
    const wrapped = resources.map(({ name, any }) => ({ name, version: nonce, resource: any }));
    return toBinary(
      DeltaDiscoveryResponseSchema,
      create(DeltaDiscoveryResponseSchema, { typeUrl, nonce, resources: wrapped, removedResources: [...removed] }),
    );
  }

  /** The answer to a response that was sent; undefined while there is none. */
  answerTo(nonce: string): Answer | undefined {
    return this.answers.findLast((answer) => answer.nonce === nonce);
  }

  #serve(call: Call): void {
    this.opened += 1;
    call.on('error', () => {});
    if (this.takeOver !== undefined) {
      this.takeOver(call);
      return;
    }
    this.#calls.add(call);
    call.on('cancelled', () => this.#calls.delete(call));
    const asked = new Map<string, string>();
    call.on('data', (request: DiscoveryRequest | DeltaDiscoveryRequest) => {
      const { typeUrl, responseNonce: nonce, errorDetail } = request;
      if (nonce !== '') this.answers.push({ typeUrl, nonce, message: errorDetail?.message });
      const names = 'resourceNames' in request ? request.resourceNames : request.resourceNamesSubscribe;
      const isNews = 'resourceNames' in request ? asked.get(typeUrl) !== names.join() : names.length > 0;
      if (asked.has(typeUrl) && !isNews) return;
      asked.set(typeUrl, names.join());
      const all = this.#resources.get(typeUrl) ?? [];
      const resources = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
      this.#nonce += 1;
      call.write(this.encode({ typeUrl, resources, nonce: `n${this.#nonce}` }));
    });
  }
}

/** Any message under the type URL and the name that belong to it. */
export function resourceOf<Kind extends ResourceKind>(kind: Kind, message: WireResources[Kind]): RawResource {
  const { nameOf, write } = resourceTypes[kind];
  return rawResource(kind, nameOf(message), write(message));
}

export function rawResource(kind: ResourceKind, name: string, value: Uint8Array): RawResource {
  return { name, any: create(AnySchema, { typeUrl: typeUrls[kind], value }) };
}

const raw = {
  responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
  responseDeserialize: (bytes: Buffer) => bytes,
};

const rawAdsService = {
  streamAggregatedResources: { ...adsService.streamAggregatedResources, ...raw },
  deltaAggregatedResources: { ...adsService.deltaAggregatedResources, ...raw },
};
