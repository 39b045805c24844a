import { create } from '@bufbuild/protobuf';
import { type Listener, MetadataSchema } from '@inmesh/xds/messages';

/** The SDK is called with HTTP in any case; a proxy, which is called with whatever there is, has to know. */
export function markOpaque(listener: Listener): Listener {
  return { ...listener, metadata: create(MetadataSchema, { filterMetadata: { inmesh: { protocol: 'opaque' } } }) };
}

export function isOpaque({ metadata }: Listener): boolean {
  return metadata?.filterMetadata.inmesh?.protocol === 'opaque';
}
