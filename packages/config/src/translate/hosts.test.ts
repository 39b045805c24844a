import { describe, expect, it } from 'vitest';
import { settingsOf } from '../options.js';
import { matchesWildcard, resolveHost, wildcardsOf } from './hosts.js';

const settings = settingsOf({});

describe('A host in a rule', () => {
  it('without a dot is a Service in the namespace of the rule', () => {
    expect(resolveHost('Reviews', 'prod', settings)).toBe('reviews.prod.svc.cluster.local');
    expect(resolveHost('reviews', 'prod', { ...settings, clusterDomain: 'corp' })).toBe('reviews.prod.svc.corp');
  });

  it('with a dot or a wildcard is taken as it is', () => {
    expect(resolveHost('reviews.prod', 'default', settings)).toBe('reviews.prod');
    expect(resolveHost('*', 'default', settings)).toBe('*');
    expect(resolveHost('*.example.com', 'default', settings)).toBe('*.example.com');
  });
});

describe('A wildcard', () => {
  it('matches what ends as it does, and narrower wildcards', () => {
    expect(matchesWildcard('*', 'a.b')).toBe(true);
    expect(matchesWildcard('*.b', 'a.b')).toBe(true);
    expect(matchesWildcard('*.b', '*.a.b')).toBe(true);
    expect(matchesWildcard('*.b', '.b')).toBe(false);
    expect(matchesWildcard('*.b', 'a.c')).toBe(false);
  });

  it('is looked for from the longest on', () => {
    expect([...wildcardsOf('a.b.c')]).toEqual(['*.b.c', '*.c', '*']);
  });
});
