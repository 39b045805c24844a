import { seededRandom } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from './nearest.js';

describe('The nearest name', () => {
  it('is the one with the fewest changes, whatever its case', () => {
    expect(nearest('perTryTimout', ['attempts', 'perTryTimeout', 'retryOn'])).toBe('perTryTimeout');
    expect(nearest('PERTRYTIMEOUT', ['perTryTimeout'])).toBe('perTryTimeout');
    expect(didYouMean('hots', ['host', 'port'])).toBe('did you mean "host"?');
  });

  it('is found by the fewest changes, as counted the long way', () => {
    const random = seededRandom(7);
    const word = (length: number) => Array.from({ length }, () => 'abc'[Math.floor(random() * 3)]).join('');
    for (let round = 0; round < 3000; round += 1) {
      const written = word(1 + Math.floor(random() * 14));
      const names = Array.from({ length: 5 }, () => word(1 + Math.floor(random() * 14)));
      const limit = Math.min(Math.max(1, Math.floor(written.length / 3)), 3);
      const distances = names.map((name) => changesBetween(written, name));
      const least = Math.min(...distances);
      const wanted = least <= limit ? names[distances.indexOf(least)] : undefined;
      expect(nearest(written, names), `${written} of ${names.join()}`).toBe(wanted);
    }
  });

  it('is none when nothing is close', () => {
    expect(nearest('mirror', ['attempts', 'port'])).toBeUndefined();
    expect(didYouMean('x', [])).toBeUndefined();
  });

  it('is no other host that only has the same domain, nor one with four mistakes', () => {
    const hosts = ['reviews.shop.svc.cluster.local', 'cart.bank.svc.cluster.local'];
    expect(nearest('bank.bank.svc.cluster.local', hosts)).toBeUndefined();
    expect(nearest('reveiws.shop.svc.cluster.local', hosts)).toBe(hosts[0]);
    expect(nearest('reviews.sohp.svc.cluster.local', hosts)).toBe(hosts[0]);
    expect(nearest('consecutiveGatewayFaults', ['consecutiveGatewayErrors'])).toBeUndefined();
  });
});

function changesBetween(a: string, b: string): number {
  const known = new Map<string, number>();
  const between = (i: number, j: number): number => {
    if (i === 0 || j === 0) return i + j;
    const key = `${i} ${j}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const ways = [
      between(i - 1, j) + 1,
      between(i, j - 1) + 1,
      between(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
    ];
    const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
    if (isSwapped) ways.push(between(i - 2, j - 2) + 1);
    known.set(key, Math.min(...ways));
    return Math.min(...ways);
  };
  return between(a.length, b.length);
}
