/** How the API server asks whether an object may be written. Needs a certificate authority, for the port speaks TLS alone. */
export interface WebhookOptions {
  /** 0 takes a free port. Default 15017, as of istiod. */
  readonly port?: number | undefined;
  /** The name of a ValidatingWebhookConfiguration that is given our roots, and those that come after them. Default: none. */
  readonly configuration?: string | undefined;
}

export const defaultWebhookOptions = Object.freeze({ port: 15017 });
