import { create } from '@bufbuild/protobuf';
import {
  RegexMatchAndSubstituteSchema,
  type Route,
  type RouteAction,
  type RouteConfiguration,
} from '@inmesh/xds/messages';
import type { Place } from '../place.js';

/**
 * `prefix: /a` with `prefix_rewrite: /` makes `//x` of `/a/x` in Envoy, which warns of it in its documentation: nobody who
 * writes it means that. Here one of the two slashes goes, and the file is told so.
 */
export function withoutDoubleSlashes(routes: RouteConfiguration, at: Place): RouteConfiguration {
  const virtualHosts = routes.virtualHosts.map((host, hostIndex) => ({
    ...host,
    routes: host.routes.map((route, index) => joinOnce(route, at.at('virtual_hosts', hostIndex, 'routes', index))),
  }));
  return { ...routes, virtualHosts };
}

function joinOnce(route: Route, at: Place): Route {
  const { match, action } = route;
  const path = match?.pathSpecifier;
  if (action.case !== 'route' || (path?.case !== 'prefix' && path?.case !== 'pathSeparatedPrefix')) return route;
  const { prefixRewrite } = action.value;
  const prefix = path.value;
  if (!prefixRewrite.endsWith('/') || prefix.endsWith('/')) return route;
  at.at('route', 'prefix_rewrite').warn(
    `Envoy sends "${prefixRewrite}/x" for "${prefix}/x": here one slash is left out`,
    `two routes, for "${prefix}/" and "${prefix}", mean the same everywhere`,
  );
  const value: RouteAction = {
    ...action.value,
    prefixRewrite: '',
    regexRewrite: create(RegexMatchAndSubstituteSchema, {
      pattern: { regex: `${match?.caseSensitive === false ? '(?i)' : ''}^${quoted(prefix)}/?(.*)$` },
      substitution: `${prefixRewrite.replaceAll('\\', '\\\\')}\\1`,
    }),
  };
  return { ...route, action: { case: 'route', value } };
}

function quoted(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
