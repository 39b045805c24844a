import type { DnsFailureReason } from './dns-answer.js';

/** Times are in seconds. For `notFound`, how long the server wants that to be believed. */
export interface NotFound {
  readonly kind: 'notFound';
  readonly ttlSeconds: number;
}

export interface ResolutionFailure {
  readonly kind: 'failure';
  readonly reason: DnsFailureReason;
}

/** What a name stands for. */
export type Resolution =
  | {
      readonly kind: 'addresses';
      /** IPv4 and IPv6 without brackets, sorted, unique; at least one. */
      readonly addresses: readonly string[];
      /** Infinity for what no DNS server was asked for. */
      readonly ttlSeconds: number;
      /** True when one of the two families could not be asked, so addresses may be missing. */
      readonly partial: boolean;
    }
  | NotFound
  | ResolutionFailure;

export interface ServiceTarget {
  /** An IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** As in the record; 0 is allowed and means «hardly ever» (RFC 2782). */
  readonly weight: number;
  /** 0 is the highest. */
  readonly priority: number;
}

/** What the name of an SRV record stands for. */
export type ServiceResolution =
  | {
      readonly kind: 'targets';
      /** At least one; the lowest priority number first, all of them kept. */
      readonly targets: readonly ServiceTarget[];
      readonly ttlSeconds: number;
      /** True when the address of a target could not be asked for. */
      readonly partial: boolean;
    }
  | NotFound
  | ResolutionFailure;
