import type { HeaderList } from '../header-list.js';

/** The value of the first cookie of this name, without the quotes it may have; undefined when there is none. */
export function cookieValue(headers: HeaderList, name: string): string | undefined {
  const { flat } = headers;
  for (let index = 0; index < flat.length; index += 2) {
    if (flat[index] !== 'cookie') continue;
    const value = valueIn(flat[index + 1]!, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function valueIn(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).replace(/^ +/, '') !== name) continue;
    const value = pair.slice(equals + 1);
    return /^".*"$/s.test(value) ? value.slice(1, -1) : value;
  }
  return undefined;
}

/**
 * A `set-cookie` as Envoy writes it (Http::Utility::makeSetCookieValue).
 * @param maxAgeSeconds 0 for a cookie of the session
 */
export function setCookieHeader(name: string, value: string, maxAgeSeconds: number, path: string): string {
  const maxAge = maxAgeSeconds === 0 ? '' : `; Max-Age=${maxAgeSeconds}`;
  return `${name}="${value}"${maxAge}${path === '' ? '' : `; Path=${path}`}; HttpOnly`;
}
