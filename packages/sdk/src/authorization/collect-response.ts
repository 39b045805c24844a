import type { ResponseHandler } from '../http/response-handler.js';

export interface CollectedResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A page that says no is shorter. */
const maxBodyBytes = 64 * 1024;

/** A whole response in memory; `collected` rejects when it breaks off. A body that is too long is cut off. */
export function collectResponse(): { handler: ResponseHandler; collected: Promise<CollectedResponse> } {
  let status = 0;
  let headers: CollectedResponse['headers'] = [];
  const chunks: Buffer[] = [];
  let bytes = 0;
  let resolve!: (response: CollectedResponse) => void;
  let reject!: (error: Error) => void;
  const collected = new Promise<CollectedResponse>((onResponse, onError) => {
    resolve = onResponse;
    reject = onError;
  });
  const handler: ResponseHandler = {
    onConnect() {},
    onHeaders(code, raw) {
      status = code;
      headers = pairsOf(raw);
      return true;
    },
    onData(chunk) {
      const room = maxBodyBytes - bytes;
      if (room > 0) chunks.push(chunk.subarray(0, room));
      bytes += chunk.length;
      return true;
    },
    onComplete: () => resolve({ status, headers, body: Buffer.concat(chunks).toString() }),
    onError: reject,
  };
  // Where nothing was delivered nobody waits for it.
  collected.catch(() => {});
  return { handler, collected };
}

function pairsOf(raw: readonly Buffer[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    pairs.push([raw[i]!.toString('latin1').toLowerCase(), raw[i + 1]!.toString('latin1')]);
  }
  return pairs;
}
