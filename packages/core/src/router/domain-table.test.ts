import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainTable } from './domain-table.js';

function find(domains: readonly string[], authority: string): string | undefined {
  const colon = authority.indexOf(':');
  const host = colon < 0 ? authority : authority.slice(0, colon);
  const table = new DomainTable(domains.map((domain) => [domain, domain] as const));
  return table.find(host, colon < 0 ? `${authority}:80` : authority);
}

describe('DomainTable', () => {
  it('takes an exact domain before any wildcard', () => {
    const domains = ['*', '*.foo.com', 'www.*', 'www.foo.com'];
    expect(find(domains, 'www.foo.com')).toBe('www.foo.com');
  });

  it('takes a suffix wildcard before a prefix wildcard, and either before the default', () => {
    expect(find(['*', 'www.*', '*.com'], 'www.foo.com')).toBe('*.com');
    expect(find(['*', 'www.*', '*.org'], 'www.foo.com')).toBe('www.*');
    expect(find(['*', 'api.*', '*.org'], 'www.foo.com')).toBe('*');
  });

  it('takes the longest wildcard of a kind, in whatever order they stand', () => {
    expect(find(['*.com', '*-bar.foo.com', '*.foo.com'], 'x-bar.foo.com')).toBe('*-bar.foo.com');
    expect(find(['a.*', 'a.b.*', 'a.b*'], 'a.b.c')).toBe('a.b.*');
  });

  it('wants at least one character for a wildcard', () => {
    expect(find(['*-bar.foo.com'], '-bar.foo.com')).toBeUndefined();
    expect(find(['*.foo.com'], 'foo.com')).toBeUndefined();
    expect(new DomainTable([['foo.*', 1]]).find('foo.', 'foo.')).toBeUndefined();
  });

  it('prefers host:port to host within each kind', () => {
    expect(find(['foo.com', 'foo.com:8080'], 'foo.com:8080')).toBe('foo.com:8080');
    expect(find(['foo.com', 'foo.com:8080'], 'foo.com:9090')).toBe('foo.com');
    expect(find(['*.com', '*.com:8080'], 'foo.com:8080')).toBe('*.com:8080');
  });

  it('does not let a wildcard over the port beat the exact host', () => {
    expect(find(['foo.com', '*:8080', 'foo.com:*'], 'foo.com:8080')).toBe('foo.com');
  });

  it('does not mind case, in domains or in hosts', () => {
    expect(find(['WWW.Foo.com'], 'www.fOO.com')).toBe('WWW.Foo.com');
    expect(find(['*.FOO.com'], 'www.foo.COM')).toBe('*.FOO.com');
  });

  it('keeps the first of two entries for a domain', () => {
    const table = new DomainTable([
      ['a', 1],
      ['A', 2],
      ['*', 3],
      ['*', 4],
    ]);
    expect(table.find('a', 'a:80')).toBe(1);
    expect(table.find('b', 'b:80')).toBe(3);
  });

  it('knows nothing when it is empty', () => {
    expect(find([], 'foo.com')).toBeUndefined();
  });
});

// A small alphabet, so that domains and hosts meet often.
const label = fc.constantFrom('a', 'b', 'ab', 'a-b');
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const port = fc.constantFrom(80, 8080);
const domain = fc.oneof(
  host,
  fc.tuple(host, port).map(([name, number]) => `${name}:${number}`),
  host.map((name) => `*.${name}`),
  host.map((name) => `*-${name}`),
  host.map((name) => `${name}.*`),
  host.map((name) => `${name}:*`),
  port.map((number) => `*:${number}`),
  fc.constant('*'),
);

/** The rule as it is told: rank every domain that fits, take the best. */
function reference(domains: readonly string[], bare: string, full: string): string | undefined {
  const ranked = domains.flatMap((candidate) => {
    const ranks = [full, bare].map((name, index) => rank(candidate, name, index)).filter((r) => r !== undefined);
    return ranks.length === 0 ? [] : [{ candidate, rank: ranks.reduce((a, b) => (less(a, b) ? a : b)) }];
  });
  if (ranked.length === 0) return undefined;
  return ranked.reduce((a, b) => (less(b.rank, a.rank) ? b : a)).candidate;
}

type Rank = readonly [kind: number, withoutPort: number, minusLength: number];

function rank(candidate: string, name: string, withoutPort: number): Rank | undefined {
  if (candidate === name) return [0, withoutPort, 0];
  if (candidate === '*') return [3, 0, 0];
  if (name.length < candidate.length) return undefined;
  if (candidate.startsWith('*') && name.endsWith(candidate.slice(1))) return [1, withoutPort, -candidate.length];
  if (candidate.endsWith('*') && name.startsWith(candidate.slice(0, -1))) return [2, withoutPort, -candidate.length];
  return undefined;
}

function less(a: Rank, b: Rank): boolean {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}

describe('DomainTable, for any domains', () => {
  it('lets an exact domain beat every wildcard', () => {
    fc.assert(
      fc.property(fc.array(domain), host, port, (others, name, number) => {
        const wildcards = others.filter((other) => other.includes('*'));
        const table = new DomainTable([...wildcards, name].map((entry) => [entry, entry] as const));
        expect(table.find(name, `${name}:${number}`)).toBe(name);
      }),
    );
  });

  it('agrees with a ranking of all domains', () => {
    fc.assert(
      fc.property(fc.uniqueArray(domain, { maxLength: 12 }), host, port, (domains, name, number) => {
        const table = new DomainTable(domains.map((entry) => [entry, entry] as const));
        expect(table.find(name, `${name}:${number}`)).toBe(reference(domains, name, `${name}:${number}`));
      }),
      { numRuns: 1000 },
    );
  });
});
