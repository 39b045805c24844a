import type { IncomingMessage } from 'node:http';

export type ReadBody =
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'too_large' }
  /** All bodies together would be. */
  | { readonly kind: 'busy' };

export interface BodyLimits {
  /** Of one body. */
  readonly maxBytes: number;
  /** Of all that are being read. */
  readonly maxTotalBytes: number;
}

/** Reads bodies of callers who are not known, within a bound for each and for all of them. */
export class BodyReader {
  #held = 0;

  constructor(private readonly limits: BodyLimits) {}

  /** @throws when the connection breaks */
  async read(request: IncomingMessage): Promise<ReadBody> {
    const { maxBytes, maxTotalBytes } = this.limits;
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return { kind: 'too_large' };
    const pieces: Buffer[] = [];
    let size = 0;
    try {
      for await (const piece of request as AsyncIterable<Buffer>) {
        size += piece.byteLength;
        this.#held += piece.byteLength;
        if (size > maxBytes) return { kind: 'too_large' };
        if (this.#held > maxTotalBytes) return { kind: 'busy' };
        pieces.push(piece);
      }
      return { kind: 'read', text: Buffer.concat(pieces).toString('utf8') };
    } finally {
      this.#held -= size;
    }
  }
}
