import type { Call, TokenPlace } from '@inmesh/core';

/** Every token that stands in one of these places. A repeated header is one text, and no token. */
export function tokensIn(call: Call, places: readonly TokenPlace[]): string[] {
  return [...new Set(places.flatMap((place) => tokensAt(call, place)))];
}

export function removeTokens(call: Call, places: readonly TokenPlace[]): void {
  for (const place of places) {
    if (tokensAt(call, place).length > 0) removeAt(call, place);
  }
}

function tokensAt(call: Call, place: TokenPlace): string[] {
  switch (place.kind) {
    case 'header':
      return tokensOfHeader(call.headers.getJoined(place.name), place.prefix);
    case 'parameter':
      return queryPairs(call.path)
        .filter(([name]) => name === place.name)
        .map(([, value]) => value);
    case 'cookie':
      return cookiePairs(call)
        .filter(([name]) => name === place.name)
        .map(([, value]) => value.replace(/^"(.*)"$/, '$1'));
  }
}

/**
 * A header without the prefix is of another scheme. Envoy finds the prefix anywhere, and in this very case; RFC 9110 has a
 * scheme first and in any case. What only one of them takes for a token is taken whole, and is none: it is refused.
 */
function tokensOfHeader(value: string | undefined, prefix: string): string[] {
  if (value === undefined || !value.toLowerCase().includes(prefix.toLowerCase())) return [];
  return [value.startsWith(prefix) ? value.slice(prefix.length).trim() : value];
}

function removeAt(call: Call, place: TokenPlace): void {
  switch (place.kind) {
    case 'header':
      call.rewriteHeader(place.name, undefined);
      return;
    case 'parameter': {
      const [path = ''] = call.path.split('?', 1);
      const kept = queryPairs(call.path).filter(([name]) => name !== place.name);
      call.rewritePath([path, ...(kept.length > 0 ? [kept.map(([, , text]) => text).join('&')] : [])].join('?'));
      return;
    }
    case 'cookie': {
      const kept = cookiePairs(call).filter(([name]) => name !== place.name);
      call.rewriteHeader('cookie', kept.length === 0 ? undefined : kept.map((pair) => pair.join('=')).join('; '));
    }
  }
}

type QueryPair = readonly [name: string, value: string, text: string];

function queryPairs(path: string): QueryPair[] {
  const start = path.indexOf('?');
  if (start < 0) return [];
  return path
    .slice(start + 1)
    .split('&')
    .map((text) => {
      const [name, value] = split(text);
      return [decode(name), decode(value), text];
    });
}

function cookiePairs({ headers }: Call): (readonly [name: string, value: string])[] {
  const pairs = headers.getJoined('cookie')?.split(/[;,]/) ?? [];
  return pairs.map((pair) => split(pair.trim()));
}

function split(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
