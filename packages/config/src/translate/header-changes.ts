import { create } from '@bufbuild/protobuf';
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
} from '@inmesh/xds/messages';
import { isHost } from '../schema/header-checks.js';
import type { HeaderOperations } from '../schema/virtual-service.js';

/** As routes and weighted clusters have it. */
export interface HeaderChanges {
  readonly requestHeadersToAdd: HeaderValueOption[];
  readonly requestHeadersToRemove: string[];
  readonly responseHeadersToAdd: HeaderValueOption[];
  readonly responseHeadersToRemove: string[];
}

type Values = Readonly<Record<string, string>>;

const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;

/** What is set comes before what is added, each sorted by name (Istio `TranslateHeadersOperations`). */
export function headerChanges({ request = {}, response = {} }: HeaderOperations): HeaderChanges {
  return {
    requestHeadersToAdd: writes(request.set, request.add),
    requestHeadersToRemove: [...(request.remove ?? [])],
    responseHeadersToAdd: writes(response.set, response.add),
    responseHeadersToRemove: [...(response.remove ?? [])],
  };
}

/** A host that is set or added is no header but the host to call. */
export function hostIn({ request = {} }: HeaderOperations): string | undefined {
  const find = (values: Values = {}) => Object.entries(values).find(([name]) => isHost(name))?.[1];
  return find(request.set) ?? find(request.add);
}

export function joinChanges(a: HeaderChanges, b: HeaderChanges): HeaderChanges {
  return {
    requestHeadersToAdd: [...a.requestHeadersToAdd, ...b.requestHeadersToAdd],
    requestHeadersToRemove: [...a.requestHeadersToRemove, ...b.requestHeadersToRemove],
    responseHeadersToAdd: [...a.responseHeadersToAdd, ...b.responseHeadersToAdd],
    responseHeadersToRemove: [...a.responseHeadersToRemove, ...b.responseHeadersToRemove],
  };
}

function writes(set: Values = {}, add: Values = {}): HeaderValueOption[] {
  return [...writesOf(set, OVERWRITE_IF_EXISTS_OR_ADD), ...writesOf(add, APPEND_IF_EXISTS_OR_ADD)];
}

function writesOf(values: Values, appendAction: HeaderValueOption_HeaderAppendAction): HeaderValueOption[] {
  return Object.entries(values)
    .filter(([name]) => !isHost(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => create(HeaderValueOptionSchema, { header: { key, value }, appendAction }));
}
