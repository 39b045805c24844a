import { decodeListener, type FieldError } from '@inmesh/xds';
import type { HttpFilter } from '@inmesh/xds/messages';
import { buildInboundListener } from './inbound-listener.js';
import type { WorkloadModes } from './peer-modes.js';

const anyModes: WorkloadModes = { mode: 'DISABLE', ports: new Map(), isGiven: true };

/**
 * What a client would refuse of these filters, in its own words. It would refuse its whole inbound listener with them, and
 * all the other policies in that.
 */
export function whyRefused(filters: readonly HttpFilter[]): string | undefined {
  const result = decodeListener(buildInboundListener(anyModes, filters));
  return result.ok ? undefined : result.errors.slice(0, 1).map(describe).join();
}

/** The way to a filter in its listener says nothing of a policy. */
function describe({ path, message }: FieldError): string {
  const ofFilter = path.replace(/^.*?http_filters\[\d+\]\.(typed_config\.)?/, '');
  return ofFilter === '' ? message : `${ofFilter}: ${message}`;
}
