import type { Call } from '../call.js';
import type { HeaderMutations, HeaderWrite } from '../model/route.js';
import type { Reply } from '../service.js';
import { renderHeaderValue } from './header-value.js';

/** What headers of a request and of a response have in common. */
interface HeaderEditor {
  has(name: string): boolean;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  remove(name: string): void;
}

/** The target's mutations, then those of the route, its virtual host and its configuration (Envoy header_parser.cc). */
export function mutateRequestHeaders(call: Call): void {
  const { target, route, headers } = call;
  const own = target?.requestHeaders;
  const shared = route!.requestHeaders;
  if (own === undefined && shared.length === 0) return;
  const editor: HeaderEditor = {
    has: (name) => headers.has(name),
    set: (name, value) => headers.set(name, value),
    append: (name, value) => headers.append(name, value),
    remove: (name) => headers.delete(name),
  };
  if (own !== undefined) applyMutations(own, editor, call, undefined);
  for (const mutations of shared) applyMutations(mutations, editor, call, undefined);
}

/** The same for a response, be it an upstream's or our own; nothing for a call without a route. */
export function mutateResponseHeaders(call: Call, reply: Reply): void {
  const own = call.target?.responseHeaders;
  const shared = call.route?.responseHeaders;
  if (own === undefined && (shared === undefined || shared.length === 0)) return;
  const editor: HeaderEditor = {
    has: (name) => reply.header(name) !== undefined,
    set: (name, value) => reply.setHeader(name, value),
    append: (name, value) => reply.appendHeader(name, value),
    remove: (name) => reply.removeHeader(name),
  };
  if (own !== undefined) applyMutations(own, editor, call, reply);
  for (const mutations of shared ?? []) applyMutations(mutations, editor, call, reply);
}

function applyMutations(
  { remove, write }: HeaderMutations,
  editor: HeaderEditor,
  call: Call,
  reply: Reply | undefined,
): void {
  for (const name of remove) if (isMutable(name)) editor.remove(name);
  for (const one of write) {
    if (!isMutable(one.name)) continue;
    const value = renderHeaderValue(one.value, call, reply);
    if (value !== '' || one.keepEmpty) writeHeader(one, value, editor);
  }
}

function writeHeader({ name, action }: HeaderWrite, value: string, editor: HeaderEditor): void {
  switch (action) {
    case 'append':
      editor.append(name, value);
      return;
    case 'overwrite':
      editor.set(name, value);
      return;
    case 'addIfAbsent':
      if (!editor.has(name)) editor.append(name, value);
      return;
    case 'overwriteIfExists':
      if (editor.has(name)) editor.set(name, value);
  }
}

/** Host, path, method and scheme have rewrites of their own (Envoy refuses them here). */
function isMutable(name: string): boolean {
  return name !== 'host' && !name.startsWith(':');
}
