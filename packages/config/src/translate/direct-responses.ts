import { create } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { type DirectResponseAction, DirectResponseActionSchema } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { DirectResponse } from '../schema/virtual-service.js';

/** Of a body, in bytes: what istiod raises Envoy's own limit of 4 KiB to. */
export const maxDirectResponseBytes = 1024 * 1024;

export function readDirectResponse({ status, body = {} }: DirectResponse, place: Place): DirectResponseAction {
  const specifier = bodyOf(body);
  if (specifier !== undefined && sizeOf(specifier.value) > maxDirectResponseBytes) {
    place.at('body').error(`is longer than ${maxDirectResponseBytes} bytes (1 MiB)`);
  }
  return create(DirectResponseActionSchema, { status, ...(specifier !== undefined && { body: { specifier } }) });
}

function bodyOf({ string, bytes }: NonNullable<DirectResponse['body']>) {
  if (string !== undefined) return { case: 'inlineString', value: string } as const;
  return bytes === undefined ? undefined : ({ case: 'inlineBytes', value: base64Decode(bytes) } as const);
}

function sizeOf(body: string | Uint8Array): number {
  return typeof body === 'string' ? new TextEncoder().encode(body).length : body.length;
}
