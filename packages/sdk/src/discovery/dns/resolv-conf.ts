import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

export interface DnsServer {
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  readonly port: number;
}

export interface ResolvConf {
  /** At least one, at most three (glibc `MAXNS`), in the order to ask. */
  readonly servers: readonly DnsServer[];
  /** Domains without a trailing dot; empty when the file names none. */
  readonly search: readonly string[];
  /** Names with at least so many dots are tried as they are first. Default 1, at most 15; Kubernetes writes 5. */
  readonly ndots: number;
  /** For one try; undefined when the file says nothing. The file counts in seconds, at most 30. */
  readonly timeoutMs: number | undefined;
  /** Undefined when the file says nothing; 1 to 5. */
  readonly attempts: number | undefined;
}

export interface ResolvConfOptions {
  /** For all servers of the file, whose format has no ports. Default 53. */
  readonly port?: number;
}

const maxServers = 3;

/** Parses the text of `/etc/resolv.conf` (resolv.conf(5)). Lines that make no sense are skipped, as libc does. */
export function parseResolvConf(text: string, { port = 53 }: ResolvConfOptions = {}): ResolvConf {
  const addresses: string[] = [];
  let search: string[] = [];
  const options = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [keyword, ...values] = wordsOf(line);
    if (keyword === 'nameserver' && isIP(values[0] ?? '') !== 0) addresses.push(values[0]!);
    // `domain` is an older spelling of a search list of one; the last of the two wins.
    if (keyword === 'search') search = values.map(withoutFinalDot);
    if (keyword === 'domain') search = values.slice(0, 1).map(withoutFinalDot);
    if (keyword === 'options') readOptions(values, options);
  }
  const timeoutSeconds = options.get('timeout');
  return Object.freeze({
    servers: Object.freeze(serversAt(addresses, port)),
    search: Object.freeze(search),
    ndots: Math.min(options.get('ndots') ?? 1, 15),
    timeoutMs: timeoutSeconds === undefined ? undefined : clamp(timeoutSeconds, 1, 30) * 1000,
    attempts: clampIfSet(options.get('attempts'), 1, 5),
  });
}

/** A file that cannot be read is an empty one: a resolver on this machine, no search list (resolv.conf(5)). */
export function readResolvConf(path = '/etc/resolv.conf', options: ResolvConfOptions = {}): ResolvConf {
  try {
    return parseResolvConf(readFileSync(path, 'utf8'), options);
  } catch {
    return parseResolvConf('', options);
  }
}

/**
 * The names to ask for, in order. A trailing dot makes a name absolute; with at least `ndots` dots it is tried as it is and
 * then with each search domain, with fewer the other way round (resolv.conf(5)). Names come without a trailing dot.
 */
export function candidateNames(name: string, conf: Pick<ResolvConf, 'search' | 'ndots'>): string[] {
  const bare = withoutFinalDot(name);
  if (name.endsWith('.')) return [bare];
  const searched = conf.search.map((domain) => (domain === '' ? bare : `${bare}.${domain}`));
  const dots = name.split('.').length - 1;
  return [...new Set(dots >= conf.ndots ? [bare, ...searched] : [...searched, bare])];
}

function wordsOf(line: string): string[] {
  const words = line.trim().split(/\s+/);
  const comment = words.findIndex((word) => word.startsWith('#') || word.startsWith(';'));
  return comment < 0 ? words : words.slice(0, comment);
}

function readOptions(values: readonly string[], into: Map<string, number>): void {
  for (const value of values) {
    const match = /^(ndots|timeout|attempts):(\d+)$/.exec(value);
    if (match !== null) into.set(match[1]!, Number(match[2]));
  }
}

function serversAt(addresses: readonly string[], port: number): DnsServer[] {
  const known = addresses.length === 0 ? ['127.0.0.1'] : addresses.slice(0, maxServers);
  return known.map((address) => Object.freeze({ address, port }));
}

function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function clampIfSet(value: number | undefined, min: number, max: number): number | undefined {
  return value === undefined ? undefined : clamp(value, min, max);
}
