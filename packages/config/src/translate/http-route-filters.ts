import type { Place } from '../place.js';
import type { BackendFilter, PathModifier, RequestRedirect, RouteCors, RouteFilter } from '../schema/http-route.js';
import type { HeaderFilter, RequestMirror } from '../schema/route-parts.js';
import type { HeaderOperations } from '../schema/virtual-service.js';
import { type HeaderChanges, headerChanges, hostIn } from './header-changes.js';

export interface Placed<T> {
  readonly value: T;
  readonly place: Place;
}

/** The filters of a rule, by what they do. */
export interface RouteFilters {
  readonly headers: HeaderChanges;
  /** That is set as a header. */
  readonly host: string | undefined;
  readonly redirect: Placed<RequestRedirect> | undefined;
  readonly rewrite:
    | Placed<{ readonly hostname?: string | undefined; readonly path?: PathModifier | undefined }>
    | undefined;
  readonly mirrors: readonly Placed<RequestMirror>[];
  readonly cors: Placed<RouteCors> | undefined;
}

type FilterType = RouteFilter['type'];
type FilterField = Exclude<keyof RouteFilter, 'type'>;

const fieldOf: Readonly<Record<FilterType, FilterField>> = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
  ExtensionRef: 'extensionRef',
};

export function readFilters(filters: readonly RouteFilter[], place: Place): RouteFilters {
  for (const [index, filter] of filters.entries()) checkFilter(filter, place.at(index));
  checkRepeated(filters, place);
  const operations = operationsOf(filters, place);
  const all = <Field extends FilterField>(field: Field) => allOf(filters, field, place);
  const result = {
    headers: headerChanges(operations),
    host: hostIn(operations),
    redirect: all('requestRedirect')[0],
    rewrite: all('urlRewrite')[0],
    mirrors: all('requestMirror'),
    cors: all('cors')[0],
  };
  if (result.redirect !== undefined && result.rewrite !== undefined) {
    result.rewrite.place.error('means nothing beside a redirect, which answers without an upstream', 'leave it out');
  }
  return result;
}

/** Of one backend: only headers are changed for it alone. */
export function readBackendFilters(
  filters: readonly BackendFilter[],
  place: Place,
): { readonly headers?: HeaderChanges; readonly host?: string | undefined } {
  // What else there may be was refused when it was read.
  const areRead = filters.every(({ type }) => type === 'RequestHeaderModifier' || type === 'ResponseHeaderModifier');
  if (filters.length === 0 || !areRead) return {};
  const { headers, host } = readFilters(filters, place);
  return { headers, host };
}

function checkFilter(filter: RouteFilter, place: Place): void {
  const wanted = fieldOf[filter.type];
  // Types that are refused have nothing more to be told.
  if (wanted === 'externalAuth' || wanted === 'extensionRef') return;
  if (filter[wanted] === undefined) place.at(wanted).error(`must be given for the type ${filter.type}`);
  for (const field of Object.values(fieldOf)) {
    if (field === wanted || !(field in filter)) continue;
    place.at(field).error(`is not for a filter of the type ${filter.type}`);
  }
}

/** Copies alone may be made for several backends. */
function checkRepeated(filters: readonly RouteFilter[], place: Place): void {
  const seen = new Set<FilterType>();
  for (const [index, { type }] of filters.entries()) {
    if (seen.has(type) && type !== 'RequestMirror')
      place.at(index, 'type').error(`${type} is there twice`, 'join the two');
    seen.add(type);
  }
}

function allOf<Field extends FilterField>(filters: readonly RouteFilter[], field: Field, place: Place) {
  return filters.flatMap((filter, index): Placed<NonNullable<RouteFilter[Field]>>[] => {
    const value = filter[field];
    return value === undefined || value === null ? [] : [{ value, place: place.at(index, field) }];
  });
}

function operationsOf(filters: readonly RouteFilter[], place: Place): HeaderOperations {
  const [request] = allOf(filters, 'requestHeaderModifier', place);
  const [response] = allOf(filters, 'responseHeaderModifier', place);
  return {
    ...(request !== undefined && { request: changesOf(request) }),
    ...(response !== undefined && { response: changesOf(response) }),
  };
}

function changesOf({ value, place }: Placed<HeaderFilter>) {
  const { set = [], add = [], remove = [] } = value;
  const seen = new Set<string>();
  const entriesOf = (field: 'set' | 'add') =>
    (field === 'set' ? set : add).map(({ name, value: text }, index): [string, string] => {
      if (seen.has(name.toLowerCase())) place.at(field, index, 'name').error(`the header "${name}" is changed twice`);
      seen.add(name.toLowerCase());
      // The Gateway API has no commands in values.
      return [name, text.replaceAll('%', '%%')];
    });
  return { set: Object.fromEntries(entriesOf('set')), add: Object.fromEntries(entriesOf('add')), remove };
}
