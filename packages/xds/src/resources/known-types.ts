import { createRegistry, type DescMessage, type Registry } from '@bufbuild/protobuf';
import * as messages from '../messages.js';

let registry: Registry | undefined;

/** Every message that inmesh has, for those that are packed in others. */
export function knownTypes(): Registry {
  const exported: unknown[] = Object.values(messages);
  registry ??= createRegistry(...exported.filter(isMessageType));
  return registry;
}

function isMessageType(exported: unknown): exported is DescMessage {
  return typeof exported === 'object' && exported !== null && 'kind' in exported && exported.kind === 'message';
}
