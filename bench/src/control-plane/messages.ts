export type SourceName = 'folder' | 'kubernetes';

/** What the processes tell each other. Times are of the clock that all processes of a machine share, in ms. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssMb: number;
  readonly heapMb: number;
}

/** `kept`: the usage after a collection, so that what is kept is told, and no garbage. */
export type ServerOrder = 'usage' | 'kept';
export type ServerWord = { readonly kind: 'ready'; readonly address: string } | ({ readonly kind: 'usage' } & Usage);

export type ClientsOrder =
  | {
      readonly kind: 'connect';
      readonly addresses: readonly string[];
      readonly count: number;
      readonly services: number;
    }
  /** Say when each client has been told of a resource anew. */
  | { readonly kind: 'expect'; readonly name: string; readonly of: 'endpoint' | 'route' };
export type ClientsWord =
  | { readonly kind: 'connected' }
  | { readonly kind: 'expecting' }
  | { readonly kind: 'told'; readonly at: readonly number[] };

export function nowMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
