import type { Route, RouteAction, VirtualHost } from '@inmesh/xds/messages';

/**
 * Where `max_stream_duration` says what `timeout` says, for gRPC, Envoy would keep to it alone (`usingNewTimeouts`): it counts
 * an injected delay, and ends streams that are in use.
 */
export function withTimeoutAlone(host: VirtualHost): VirtualHost {
  return host.routes.some(saysTimeoutTwice) ? { ...host, routes: host.routes.map(ofRoute) } : host;
}

function ofRoute(route: Route): Route {
  const { action } = route;
  if (action.case !== 'route' || !saysTimeoutTwice(route)) return route;
  const { maxStreamDuration: _, ...value } = action.value;
  return { ...route, action: { case: 'route', value } };
}

function saysTimeoutTwice({ action }: Route): boolean {
  if (action.case !== 'route') return false;
  const { timeout, maxStreamDuration }: RouteAction = action.value;
  const whole = maxStreamDuration?.maxStreamDuration;
  if (timeout === undefined || whole === undefined) return false;
  return whole.seconds === timeout.seconds && whole.nanos === timeout.nanos;
}
