import type { HeaderMutationList, HeaderMutations, HeaderWrite } from '@inmesh/core';
import { HeaderValueOption_HeaderAppendAction as AppendAction, type HeaderValueOption } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { parseHeaderValue } from './header-value-template.js';

/** The fields that a route configuration, a virtual host, a route and a weighted cluster have in common. */
export interface HeaderFields {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

/** What is done to the headers of requests and of responses, of one level or of several in the order of their turn. */
export interface HeaderLevels {
  readonly requestHeaders: HeaderMutationList;
  readonly responseHeaders: HeaderMutationList;
}

export const noHeaders: HeaderLevels = { requestHeaders: [], responseHeaders: [] };

/** At most one level of each: a level that does nothing is left out. */
export function decodeHeaderLevels(message: HeaderFields, at: FieldScope): HeaderLevels {
  return {
    requestHeaders: levelOf(
      at.each('request_headers_to_remove', message.requestHeadersToRemove, decodeRemoval),
      at.each('request_headers_to_add', message.requestHeadersToAdd, decodeWrite),
    ),
    responseHeaders: levelOf(
      at.each('response_headers_to_remove', message.responseHeadersToRemove, decodeRemoval),
      at.each('response_headers_to_add', message.responseHeadersToAdd, decodeWrite),
    ),
  };
}

/** A level and those above it; Envoy gives the level itself its turn first, or last where it is to win. */
export function orderLevels(own: HeaderLevels, above: HeaderLevels, ownLast: boolean): HeaderLevels {
  if (isIdle(own)) return above;
  if (isIdle(above)) return own;
  const [first, second] = ownLast ? [above, own] : [own, above];
  return {
    requestHeaders: [...first.requestHeaders, ...second.requestHeaders],
    responseHeaders: [...first.responseHeaders, ...second.responseHeaders],
  };
}

function isIdle({ requestHeaders, responseHeaders }: HeaderLevels): boolean {
  return requestHeaders.length === 0 && responseHeaders.length === 0;
}

/** Several levels in one: what a later one removes, an earlier one need not write. Undefined for none. */
export function mergeLevels(levels: HeaderMutationList): HeaderMutations | undefined {
  if (levels.length === 0) return undefined;
  return levels.reduce((first, second) => ({
    remove: [...first.remove, ...second.remove],
    write: [...first.write.filter(({ name }) => !second.remove.includes(name)), ...second.write],
  }));
}

function levelOf(remove: readonly string[], write: readonly HeaderWrite[]): HeaderMutationList {
  return remove.length === 0 && write.length === 0 ? [] : [{ remove, write }];
}

function decodeRemoval(name: string, at: FieldScope): string {
  checkName(name, at);
  return name.toLowerCase();
}

const actions: Readonly<Record<AppendAction, HeaderWrite['action']>> = {
  [AppendAction.APPEND_IF_EXISTS_OR_ADD]: 'append',
  [AppendAction.ADD_IF_ABSENT]: 'addIfAbsent',
  [AppendAction.OVERWRITE_IF_EXISTS_OR_ADD]: 'overwrite',
  [AppendAction.OVERWRITE_IF_EXISTS]: 'overwriteIfExists',
};

function decodeWrite(message: HeaderValueOption, at: FieldScope): HeaderWrite | undefined {
  reportUnsupported(message, at);
  const { header } = message;
  if (header === undefined) return at.field('header').error('is missing');
  checkName(header.key, at.field('header.key'));
  const action = decodeAction(message, at);
  const value = decodeValue(header, at.field('header'));
  return action && value && { name: header.key.toLowerCase(), value, action, keepEmpty: message.keepEmptyValue };
}

/** The deprecated `append` counts while `append_action` has its zero (Envoy header_parser.cc). */
function decodeAction({ append, appendAction }: HeaderValueOption, at: FieldScope): HeaderWrite['action'] | undefined {
  if (append === undefined)
    return actions[appendAction] ?? at.field('append_action').error(`${appendAction} is unknown`);
  if (appendAction !== AppendAction.APPEND_IF_EXISTS_OR_ADD) {
    return at.field('append').error('stands beside append_action: use append_action alone');
  }
  return append ? 'append' : 'overwrite';
}

function decodeValue(
  { value, rawValue }: { readonly value: string; readonly rawValue: Uint8Array },
  at: FieldScope,
): HeaderWrite['value'] | undefined {
  if (value !== '' && rawValue.length > 0) return at.field('raw_value').error('stands beside value: only one is taken');
  const text = rawValue.length > 0 ? Buffer.from(rawValue).toString('utf8') : value;
  const scope = at.field(rawValue.length > 0 ? 'raw_value' : 'value');
  if (['\0', '\r', '\n'].some((character) => text.includes(character)))
    return scope.error('must not contain a line break or a zero byte');
  const parts = parseHeaderValue(text);
  return typeof parts === 'string' ? scope.error(parts) : parts;
}

/** Tokens of RFC 9110. The parts of the request line and the host have fields of their own (Envoy `isModifiableHeader`). */
function checkName(name: string, at: FieldScope): void {
  if (name.startsWith(':') || name.toLowerCase() === 'host') {
    at.error(`"${name}" cannot be changed here: use host_rewrite_literal, prefix_rewrite or regex_rewrite`);
  } else if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) at.error(`"${name}" is not a header name`);
}
