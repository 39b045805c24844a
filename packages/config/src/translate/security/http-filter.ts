import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { type HttpFilter, HttpFilterSchema } from '@inmesh/xds/messages';

export function httpFilter<Desc extends DescMessage>(
  name: string,
  schema: Desc,
  message: MessageInitShape<Desc>,
): HttpFilter {
  const value = anyPack(schema, create(schema, message));
  return create(HttpFilterSchema, { name, configType: { case: 'typedConfig', value } });
}
