/** Sends one request and reads its answer to the end. */
export type SendRequest = () => Promise<void>;

export interface Target {
  readonly port: number;
  /** A folder with the files of two identities, in the folders `client` and `reviews`. */
  readonly identities: string;
}

export type Variant = (target: Target) => Promise<SendRequest>;

/** Variants that are measured in one run, against the first of them. */
export interface Suite {
  /** As the report says it. */
  readonly baseline: string;
  readonly backend: 'http' | 'mtls' | 'grpc';
  /** The second is the baseline again: the A/A control. */
  readonly variants: Readonly<Record<string, Variant>>;
}

export const path = '/reviews/7';
