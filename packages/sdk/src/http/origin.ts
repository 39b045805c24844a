export interface Origin {
  readonly scheme: 'http' | 'https';
  /** `host` or `host:port`, lower-case. */
  readonly authority: string;
}

const maxRemembered = 1024;
const remembered = new Map<string, Origin>();

/** Reads undici's `origin` option. @throws TypeError when it is no http or https origin */
export function parseOrigin(origin: string | URL | undefined): Origin {
  const text = typeof origin === 'string' ? origin : (origin?.origin ?? '');
  const known = remembered.get(text);
  if (known !== undefined) return known;
  if (!URL.canParse(text))
    throw new TypeError(`inmesh: origin ${JSON.stringify(text)} is not a URL; give http://host or https://host`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError(`inmesh: protocol ${url.protocol} is not http: or https:`);
  const parsed: Origin = Object.freeze({ scheme: url.protocol === 'http:' ? 'http' : 'https', authority: url.host });
  if (remembered.size >= maxRemembered) remembered.clear();
  remembered.set(text, parsed);
  return parsed;
}
