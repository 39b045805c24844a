import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { type CommonTlsContextSchema, UpstreamTlsContextSchema } from '@inmesh/xds/messages';

/** @param sni empty: none is sent */
export function socketOf(sni: string, commonTlsContext: MessageInitShape<typeof CommonTlsContextSchema>) {
  const context = create(UpstreamTlsContextSchema, { sni, commonTlsContext });
  const value = anyPack(UpstreamTlsContextSchema, context);
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value } as const };
}
