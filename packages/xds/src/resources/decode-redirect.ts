import type { RedirectAction as RedirectModel } from '@inmesh/core';
import { type RedirectAction, RedirectAction_RedirectResponseCode as ResponseCode } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { decodeRegexRewrite } from './regex-rewrite.js';

const statuses: Readonly<Record<ResponseCode, number>> = {
  [ResponseCode.MOVED_PERMANENTLY]: 301,
  [ResponseCode.FOUND]: 302,
  [ResponseCode.SEE_OTHER]: 303,
  [ResponseCode.TEMPORARY_REDIRECT]: 307,
  [ResponseCode.PERMANENT_REDIRECT]: 308,
};

/** Envoy `RedirectAction`; empty texts and the port 0 are the same as unset. */
export function decodeRedirect(message: RedirectAction, at: FieldScope): RedirectModel | undefined {
  const { portRedirect, responseCode } = message;
  if (portRedirect > 65_535) at.field('port_redirect').error(`${portRedirect} is more than 65535`);
  const httpStatus: number | undefined = statuses[responseCode];
  if (httpStatus === undefined) return at.field('response_code').error(`${responseCode} is unknown`);
  return {
    kind: 'redirect',
    httpStatus,
    scheme: decodeScheme(message, at),
    host: message.hostRedirect === '' ? undefined : message.hostRedirect,
    port: portRedirect === 0 ? undefined : portRedirect,
    path: decodePath(message, at),
    stripQuery: message.stripQuery,
  };
}

function decodeScheme({ schemeRewriteSpecifier: specifier }: RedirectAction, at: FieldScope): RedirectModel['scheme'] {
  if (specifier.case === 'httpsRedirect') return specifier.value ? 'https' : undefined;
  const scheme = specifier.value ?? '';
  if (scheme === 'http' || scheme === 'https' || scheme === '') return scheme === '' ? undefined : scheme;
  return at.field('scheme_redirect').error(`"${scheme}" should be "http" or "https"`);
}

function decodePath({ pathRewriteSpecifier: specifier }: RedirectAction, at: FieldScope): RedirectModel['path'] {
  switch (specifier.case) {
    case 'pathRedirect':
      return specifier.value === '' ? undefined : { kind: 'full', value: specifier.value };
    case 'prefixRewrite':
      return specifier.value === '' ? undefined : { kind: 'prefix', value: specifier.value };
    case 'regexRewrite': {
      const rewrite = decodeRegexRewrite(specifier.value, at.field('regex_rewrite'));
      return rewrite && { kind: 'regex', rewrite };
    }
    case undefined:
      return undefined;
  }
}
