import { create } from '@bufbuild/protobuf';
import { type RedirectAction, RedirectAction_RedirectResponseCode, RedirectActionSchema } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { Redirect } from '../schema/virtual-service.js';

const { MOVED_PERMANENTLY, FOUND, SEE_OTHER, TEMPORARY_REDIRECT, PERMANENT_REDIRECT } =
  RedirectAction_RedirectResponseCode;

const codes: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: MOVED_PERMANENTLY,
  302: FOUND,
  303: SEE_OTHER,
  307: TEMPORARY_REDIRECT,
  308: PERMANENT_REDIRECT,
};

export interface RedirectSettings {
  readonly scheme: 'http' | 'https' | undefined;
  /** Empty for that of the request. */
  readonly host: string;
  /** Undefined for that of the request. */
  readonly port: number | undefined;
  readonly path: RedirectAction['pathRewriteSpecifier'];
  readonly status: number;
  /** The port of the request; undefined when only mistakes are looked for. */
  readonly dialled: number | undefined;
}

export const samePath: RedirectAction['pathRewriteSpecifier'] = { case: undefined };

export function buildRedirect(settings: RedirectSettings): RedirectAction {
  const { scheme, host, path, status } = settings;
  const port = portOf(settings);
  return create(RedirectActionSchema, {
    ...(scheme !== undefined && { schemeRewriteSpecifier: { case: 'schemeRedirect', value: scheme } }),
    hostRedirect: host,
    ...(port !== undefined && { portRedirect: port }),
    pathRewriteSpecifier: path,
    responseCode: codes[status] ?? MOVED_PERMANENTLY,
  });
}

/** A VirtualService's (Istio `ApplyRedirect`). */
export function readRedirect(redirect: Redirect, dialled: number | undefined, place: Place): RedirectAction {
  const { uri = '', authority = '', port, derivePort, scheme, redirectCode = 0 } = redirect;
  const saysNothing = uri === '' && authority === '' && port === undefined && derivePort === undefined;
  if (saysNothing && scheme === undefined) place.error('must have at least one of uri, authority, port, scheme');
  return buildRedirect({
    scheme,
    host: authority,
    port: derivePort === 'FROM_REQUEST_PORT' ? dialled : port,
    path: uri === '' ? samePath : { case: 'pathRedirect', value: uri },
    status: redirectCode,
    dialled,
  });
}

/**
 * The default port of a scheme is left out of what the client is told. Envoy puts the port of the request there, unless it
 * is a default one, too, or another host is given; so it has to be written beside any other.
 */
function portOf({ port, scheme, host, dialled }: RedirectSettings): number | undefined {
  const isDefault = port === (scheme === 'https' ? 443 : 80);
  const wouldVanish = host !== '' || dialled === undefined || dialled === 80 || dialled === 443;
  return isDefault && wouldVanish ? undefined : port;
}
