import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Metadata, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { type X509SVIDRequest, type X509SVIDResponse, X509SVIDResponseSchema } from '@inmesh/xds/messages';
import { workloadApiService } from '../../packages/xds/src/grpc/workload-api-service.js';
import { certificatesOf, type TestIdentity } from './mesh-authority.js';

type Call = ServerWritableStream<X509SVIDRequest, X509SVIDResponse>;
type Answer = MessageInitShape<typeof X509SVIDResponseSchema>;

/** A SPIFFE Workload API on a socket in a folder of its own. */
export class FakeWorkloadApi {
  readonly #folder = mkdtempSync(join(tmpdir(), 'inmesh-workload-api-'));
  readonly #calls = new Set<Call>();
  #server: Server | undefined;
  #answer: Answer | undefined;
  /** The status that ends each stream at once. Default: none, and streams stay. */
  refusal: { readonly code: status; readonly details: string } | undefined;
  readonly metadata: Metadata[] = [];

  get address(): string {
    return `unix:${join(this.#folder, 'agent.sock')}`;
  }

  async start(): Promise<this> {
    this.#server = new Server();
    this.#server.addService(workloadApiService, { fetchX509Svid: (call: Call) => this.#serve(call) });
    await new Promise<void>((resolve, reject) => {
      this.#server!.bindAsync(this.address, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return this;
  }

  get streams(): number {
    return this.#calls.size;
  }

  /** Sent to who is connected, and to who comes. */
  deliver(answer: Answer): void {
    this.#answer = answer;
    for (const call of this.#calls) call.write(create(X509SVIDResponseSchema, answer));
  }

  /** Ends all streams. */
  end(code = status.OK, details = ''): void {
    for (const call of this.#calls) {
      if (code === status.OK) call.end();
      else call.emit('error', { code, details });
    }
  }

  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  close(): void {
    this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serve(call: Call): void {
    this.metadata.push(call.metadata);
    if (this.refusal !== undefined) {
      call.emit('error', this.refusal);
      return;
    }
    this.#calls.add(call);
    call.on('close', () => this.#calls.delete(call));
    call.on('cancelled', () => this.#calls.delete(call));
    if (this.#answer !== undefined) call.write(create(X509SVIDResponseSchema, this.#answer));
  }
}

/** As a Workload API has it: DER. */
export function svidOf({ spiffeId, chain, key, bundle }: TestIdentity) {
  return { spiffeId, x509Svid: derOf(chain), x509SvidKey: keyDer(key), bundle: derOf(bundle) };
}

export function derOf(pem: string): Uint8Array {
  return new Uint8Array(Buffer.concat(certificatesOf(pem).map(({ raw }) => raw)));
}

function keyDer(pem: string): Uint8Array {
  return new Uint8Array(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'));
}
