import { hash } from 'node:crypto';
import { type AnyDecodeResult, decodeBytes, peekName, unwrapResource } from '../resources/decode-any.js';
import type { FieldError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import { malformed } from '../resources/unpack-any.js';
import type { ReceivedResource } from './protocol.js';
import type { KindStore, ReadResource } from './resource-store.js';

/** Reads the resources of one response, a few at a time, so that thousands of them do not hold up the event loop. */
export class ResponseReader<Kind extends ResourceKind> {
  readonly resources: ReadResource<DecodedResources[Kind]>[] = [];
  readonly warnings: { readonly name: string; readonly warnings: readonly FieldError[] }[] = [];
  readonly #names = new Set<string>();

  constructor(
    private readonly kind: Kind,
    private readonly received: readonly ReceivedResource[],
    private readonly store: KindStore<DecodedResources[Kind]>,
  ) {}

  get isDone(): boolean {
    return this.resources.length === this.received.length;
  }

  /** Reads at least one, then goes on until told that the time is up. */
  read(isTimeUp: () => boolean): void {
    while (!this.isDone) {
      this.resources.push(this.#refuseDuplicate(this.#readOne(this.received[this.resources.length]!)));
      if (isTimeUp()) return;
    }
  }

  #readOne({ any, name: givenName, version }: ReceivedResource): ReadResource<DecodedResources[Kind]> {
    try {
      const { typeUrl, bytes, name } = unwrapResource(any);
      const wrapperName = givenName || name;
      const expected = typeUrls[this.kind];
      if (typeUrl !== expected)
        return failed(wrapperName || peekName(bytes), `the type is "${typeUrl}", not "${expected}"`);
      const read = this.#readBytes(bytes, wrapperName, version);
      // An incremental server speaks of it by the name of the wrapper from now on.
      if (givenName !== '' && read.name !== givenName) return failed(givenName, `is called "${read.name}" itself`);
      return read;
    } catch (cause) {
      return failed(givenName, malformed(cause));
    }
  }

  #readBytes(bytes: Uint8Array, wrapperName: string, version: string): ReadResource<DecodedResources[Kind]> {
    // A hash instead of the bytes: those are a view on the whole response, which would then stay in memory.
    const digest = hash('sha256', bytes, 'base64');
    const known = this.store.withDigest(digest);
    if (known !== undefined) {
      const { name, value, bytes: kept } = known;
      return { name, outcome: { ok: true, value, digest, version, bytes: kept } };
    }
    const result: AnyDecodeResult<DecodedResources[Kind]> = decodeBytes(this.kind, bytes);
    const name = result.name || wrapperName;
    if (!result.ok) return { name, outcome: { ok: false, errors: result.errors } };
    if (result.warnings.length > 0) this.warnings.push({ name, warnings: result.warnings });
    return { name, outcome: { ok: true, value: result.value, digest, version, bytes: this.#copyOf(bytes) } };
  }

  /** The bytes themselves are a view on the whole response. */
  #copyOf(bytes: Uint8Array): Uint8Array | undefined {
    return this.store.keepsBytes ? new Uint8Array(bytes) : undefined;
  }

  /** The first one counts; the response is refused all the same. */
  #refuseDuplicate(read: ReadResource<DecodedResources[Kind]>): ReadResource<DecodedResources[Kind]> {
    if (read.name === '') return read;
    if (this.#names.has(read.name)) return failed(read.name, 'stands in the response twice');
    this.#names.add(read.name);
    return read;
  }
}

function failed(name: string, message: string): { name: string; outcome: { ok: false; errors: FieldError[] } } {
  return { name, outcome: { ok: false, errors: [{ path: '', message }] } };
}
