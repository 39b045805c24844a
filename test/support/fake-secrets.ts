import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { type Metadata, Server, ServerCredentials, type ServerDuplexStream, type status } from '@grpc/grpc-js';
import {
  type DiscoveryRequest,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
  type Secret,
  SecretSchema,
  SPIFFECertValidatorConfigSchema,
} from '@inmesh/xds/messages';
import { singleTypeServices } from '../../packages/xds/src/grpc/single-type-services.js';
import { typeUrls } from '../../packages/xds/src/resources/type-urls.js';
import { makeCertificate, type TestCertificate } from './certificates.js';

type Call = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>;

/** A server of secrets on a socket in a folder of its own, and by TLS on a port. */
export class FakeSecrets {
  readonly folder = mkdtempSync(join(tmpdir(), 'inmesh-secrets-'));
  readonly tls: TestCertificate = makeCertificate({ isCa: true });
  readonly requests: DiscoveryRequest[] = [];
  readonly metadata: Metadata[] = [];
  readonly #calls = new Set<Call>();
  #first: readonly Any[] | undefined;
  #server: Server | undefined;
  #nonce = 0;
  port = 0;

  get address(): string {
    return `unix:${join(this.folder, 'sds.sock')}`;
  }

  /** With a status, it ends each stream so. */
  async start(refusal?: status): Promise<this> {
    this.#server = new Server();
    const handler = (call: Call) => (refusal === undefined ? this.#serve(call) : call.emit('error', { code: refusal }));
    this.#server.addService({ streamSecrets: singleTypeServices.secret.stream }, { streamSecrets: handler });
    const pair = { cert_chain: Buffer.from(this.tls.certificate), private_key: Buffer.from(this.tls.key) };
    await this.#bind(this.address, ServerCredentials.createInsecure());
    this.port = await this.#bind('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]));
    return this;
  }

  /** Sent to who is connected; `forFirst` also to who comes. */
  deliver(secrets: readonly Any[], forFirst = true): void {
    if (forFirst) this.#first = secrets;
    for (const call of this.#calls) this.#send(call, secrets);
  }

  /** Reasons of refusals, and undefined for each response that was taken. */
  get answers(): (string | undefined)[] {
    return this.requests.filter(({ responseNonce }) => responseNonce !== '').map((one) => one.errorDetail?.message);
  }

  end(): void {
    for (const call of this.#calls) call.end();
  }

  close(): void {
    this.#server?.forceShutdown();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #bind(address: string, credentials: ServerCredentials): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server!.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
    });
  }

  #serve(call: Call): void {
    this.metadata.push(call.metadata);
    this.#calls.add(call);
    call.on('end', () => this.#calls.delete(call));
    call.on('cancelled', () => this.#calls.delete(call));
    call.on('data', (request: DiscoveryRequest) => {
      this.requests.push(request);
      if (request.responseNonce === '' && this.#first !== undefined) this.#send(call, this.#first);
    });
  }

  #send(call: Call, resources: readonly Any[]): void {
    this.#nonce += 1;
    const [nonce, versionInfo] = [`n${this.#nonce}`, `v${this.#nonce}`];
    call.write(
      create(DiscoveryResponseSchema, { nonce, versionInfo, typeUrl: typeUrls.secret, resources: [...resources] }),
    );
  }
}

/** What is no secret. */
export const otherType: Any = create(AnySchema, { typeUrl: 'type.googleapis.com/a.B' });

export function pairSecret({ chain, key }: { readonly chain: string; readonly key: string }, name = 'default'): Any {
  const [certificateChain, privateKey] = [inline(chain), inline(key)];
  return secretOf({ name, type: { case: 'tlsCertificate', value: { certificateChain, privateKey } } });
}

export function trustSecret(pem: string, name = 'ROOTCA'): Any {
  return secretOf({ name, type: { case: 'validationContext', value: { trustedCa: inline(pem) } } });
}

/** As SPIRE has all trust domains at once. */
export function domainsSecret(bundles: Readonly<Record<string, string>>, name = 'ALL'): Any {
  const trustDomains = Object.entries(bundles).map(([domain, pem]) => ({ name: domain, trustBundle: inline(pem) }));
  const config = create(SPIFFECertValidatorConfigSchema, { trustDomains });
  const value = toBinary(SPIFFECertValidatorConfigSchema, config);
  const typedConfig = create(AnySchema, { typeUrl: `type.googleapis.com/${config.$typeName}`, value });
  const custom = { name: 'envoy.tls.cert_validator.spiffe', typedConfig };
  return secretOf({ name, type: { case: 'validationContext', value: { customValidatorConfig: custom } } });
}

function secretOf(content: Parameters<typeof create<typeof SecretSchema>>[1]): Any {
  const secret: Secret = create(SecretSchema, content);
  return create(AnySchema, { typeUrl: typeUrls.secret, value: toBinary(SecretSchema, secret) });
}

function inline(text: string) {
  return { specifier: { case: 'inlineBytes' as const, value: new Uint8Array(Buffer.from(text)) } };
}
