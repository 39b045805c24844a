import type { ControlPlaneOptions } from '@inmesh/control-plane';
import { parsePort, UsageError } from './command.js';

/** Of a config server that the API server asks whether an object may be written. */
export const webhookFlags = {
  'webhook-port': { type: 'string' },
  'webhook-configuration': { type: 'string' },
} as const;

export const webhookHelp = `  --webhook-port N     admission webhook of Kubernetes, /validate (15017); needs --ca or --ca-secret
  --webhook-configuration NAME
                       of the ValidatingWebhookConfiguration that is given the root certificates; opens the port too`;

type WebhookFlags = { readonly [Name in keyof typeof webhookFlags]?: string | undefined };

/** Undefined: no webhook. @throws UsageError where there would be no certificate for it */
export function readWebhookFlags(flags: WebhookFlags, ca: ControlPlaneOptions['ca']): ControlPlaneOptions['webhook'] {
  const { 'webhook-port': port, 'webhook-configuration': configuration } = flags;
  if (port === undefined && configuration === undefined) return undefined;
  const flag = port === undefined ? '--webhook-configuration' : '--webhook-port';
  if (ca === undefined)
    throw new UsageError(`${flag} is for a server with a certificate: give --ca or --ca-secret too`);
  if (configuration === '') throw new UsageError('--webhook-configuration is missing its name');
  return { port: parsePort(port, '--webhook-port'), configuration };
}
