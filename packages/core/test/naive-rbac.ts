// Envoy's RBAC written a second time, as plainly as can be, to be compared with the engine.
import type {
  CidrRange,
  HeaderMatcher,
  PathMatcher,
  Permission,
  Principal,
  RbacRules,
  StringMatcher,
  ValueMatcher,
} from '@inmesh/core';

/** What there is to know of a request. */
export interface Facts {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly spiffeId: string | undefined;
  readonly serverName: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly sourceAddress: string;
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** The name of the first policy that matches. */
export function matchingPolicy({ policies }: RbacRules, facts: Facts): string | undefined {
  const names: string[] = [];
  for (const { name, permissions, principals } of policies) {
    let asked = false;
    let asking = false;
    for (const permission of permissions) if (permits(permission, facts)) asked = true;
    for (const principal of principals) if (identifies(principal, facts)) asking = true;
    if (asked && asking) names.push(name);
  }
  return names.sort()[0];
}

function permits(one: Permission, facts: Facts): boolean {
  if (one.kind === 'any') return true;
  if (one.kind === 'all') return one.permissions.filter((each) => !permits(each, facts)).length === 0;
  if (one.kind === 'oneOf') return one.permissions.filter((each) => permits(each, facts)).length > 0;
  if (one.kind === 'not') return permits(one.permission, facts) === false;
  if (one.kind === 'header') return headerFits(one.matcher, facts);
  if (one.kind === 'path') return pathFits(one.matcher, facts.path);
  if (one.kind === 'pathTemplate') return one.template.matches(pathOf(facts.path));
  if (one.kind === 'destinationPort') return facts.localPort === one.port;
  if (one.kind === 'destinationPortRange') return one.start <= facts.localPort && facts.localPort < one.end;
  if (one.kind === 'destinationIp') return isIn(facts.localAddress, one.range);
  return textFits(one.matcher, facts.serverName);
}

function identifies(one: Principal, facts: Facts): boolean {
  if (one.kind === 'any') return true;
  if (one.kind === 'all') return one.principals.filter((each) => !identifies(each, facts)).length === 0;
  if (one.kind === 'oneOf') return one.principals.filter((each) => identifies(each, facts)).length > 0;
  if (one.kind === 'not') return identifies(one.principal, facts) === false;
  if (one.kind === 'header') return headerFits(one.matcher, facts);
  if (one.kind === 'path') return pathFits(one.matcher, facts.path);
  if (one.kind === 'directRemoteIp') return isIn(facts.remoteAddress, one.range);
  if (one.kind === 'remoteIp') return isIn(facts.sourceAddress, one.range);
  if (one.kind === 'claim') {
    let value: unknown = facts.claims;
    for (const key of one.matcher.path) {
      const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
      value = entries.find(([name]) => name === key)?.[1];
    }
    return facts.claims !== undefined && valueFits(one.matcher.value, value);
  }
  if (facts.spiffeId === undefined) return false;
  return one.matcher === undefined || textFits(one.matcher, facts.spiffeId);
}

function valueFits(one: ValueMatcher, value: unknown): boolean {
  if (one.kind === 'present') return value !== undefined && value !== null;
  if (one.kind === 'any') return one.matchers.map((each) => valueFits(each, value)).includes(true);
  const texts = one.kind === 'string' ? [value] : Array.isArray(value) ? value : [];
  return texts.map((text) => typeof text === 'string' && textFits(one.matcher, text)).includes(true);
}

function headerFits({ name, test, invert, treatMissingAsEmpty }: HeaderMatcher, facts: Facts): boolean {
  const pseudo: Readonly<Record<string, string>> = {
    ':method': facts.method,
    ':path': facts.path,
    ':authority': facts.authority,
  };
  const found = pseudo[name] ?? facts.headers[name];
  if (test.kind === 'present') return (found !== undefined) === test.present ? !invert : invert;
  if (found === undefined && !treatMissingAsEmpty) return false;
  const text = found ?? '';
  const isNumber = /^[+-]?[0-9]+$/.test(text.trim());
  const fits =
    test.kind === 'string'
      ? textFits(test.matcher, text)
      : isNumber && Number(text) >= test.start && Number(text) < test.end;
  return invert ? !fits : fits;
}

const pathOf = (path: string) => path.split(/[?#]/)[0] ?? '';

function pathFits(one: PathMatcher, path: string): boolean {
  const bare = pathOf(path);
  if (one.kind !== 'pathSeparatedPrefix') return textFits(one, bare);
  const { value, ignoreCase } = one;
  return [
    { kind: 'exact', value, ignoreCase } as const,
    { kind: 'prefix', value: `${value}/`, ignoreCase } as const,
  ].some((matcher) => textFits(matcher, bare));
}

function textFits(one: StringMatcher, text: string): boolean {
  if (one.kind === 'regex') return new RegExp(`^(?:${one.regex.source})$`, 's').test(text);
  const [a, b] = one.ignoreCase ? [text.toLowerCase(), one.value.toLowerCase()] : [text, one.value];
  if (one.kind === 'exact') return a === b;
  if (one.kind === 'contains') return a.split(b).length > 1;
  return b === (one.kind === 'prefix' ? a.slice(0, b.length) : a.slice(Math.max(0, a.length - b.length)));
}

function isIn(address: string, { address: first, prefixLength }: CidrRange): boolean {
  const [a, b] = [bitsOf(address), bitsOf(first)];
  return a.length === b.length && a.slice(0, prefixLength) === b.slice(0, prefixLength);
}

/** IPv4 with dots, also behind `::ffff:`, or IPv6 with all its groups. */
function bitsOf(address: string): string {
  const [parts, radix, width] = address.includes('.')
    ? ([address.replace('::ffff:', '').split('.'), 10, 8] as const)
    : ([address.split(':'), 16, 16] as const);
  return parts.map((part) => Number.parseInt(part, radix).toString(2).padStart(width, '0')).join('');
}
