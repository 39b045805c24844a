import type { Random } from '@inmesh/core';

/** A request as a simulated server sees it. */
export interface SimulatedRequest {
  readonly method: string;
  readonly path: string;
  /** When its caller stops waiting, on the scale of the simulation's clock; Infinity for never. */
  readonly deadline: number;
  /** The first value of a header, by lower-case name. */
  header(name: string): string | undefined;
}

export interface SimulatedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Milliseconds, or how they are drawn for each request. */
export type Delay = number | ((random: Random) => number);

/** What a simulated server does with a request. */
export type Behaviour =
  /** Answers after `latencyMs`; its body ends `bodyMs` later. Defaults: status 200, no delays. */
  | {
      readonly kind: 'answer';
      readonly status?: number | ((random: Random, request: SimulatedRequest) => number);
      readonly headers?: Readonly<Record<string, string>>;
      readonly latencyMs?: Delay;
      readonly bodyMs?: Delay;
    }
  /** Answers with what the handler gives, which may call others through a client of the simulation. */
  | { readonly kind: 'handle'; readonly handler: (request: SimulatedRequest) => Promise<SimulatedAnswer> }
  /** Nothing listens: the connection is refused. */
  | { readonly kind: 'refuse' }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Takes the request and closes the connection after `latencyMs` (default 0) without an answer. */
  | { readonly kind: 'reset'; readonly latencyMs?: Delay };

export function drawDelay(delay: Delay | undefined, random: Random): number {
  if (delay === undefined) return 0;
  return typeof delay === 'number' ? delay : delay(random);
}
