import { describe, expect, it } from 'vitest';
import type { CompiledRewrite, HashPolicy } from '../model/route.js';
import { type TestCallInit, testCall, testHash64 } from '../testing/index.js';
import { hashKeyOf } from './hash-key.js';

type Bare = HashPolicy extends infer P ? (P extends HashPolicy ? Omit<P, 'terminal'> : never) : never;

const header = (name: string, rewrite?: CompiledRewrite): Bare => ({ kind: 'header', name, rewrite });
const cookie = (ttlMs?: number): Bare => ({ kind: 'cookie', name: 'user', ttlMs, path: '' });
const query: Bare = { kind: 'queryParameter', name: 'id' };
const hash = (text: string, seed = 0n) => testHash64(text, seed);

function keyOf(policies: readonly (Bare & { terminal?: boolean })[], init: TestCallInit & { from?: string } = {}) {
  const call = testCall(init);
  call.sourceAddress = init.from ?? '';
  const all = policies.map((policy) => ({ terminal: false, ...policy }) as HashPolicy);
  return hashKeyOf(call, all, testHash64, () => 'made');
}

/** By one bit to the left, of 64. */
function turned(key: bigint): bigint {
  return ((key << 1n) | (key >> 63n)) & (2n ** 64n - 1n);
}

describe('hashKeyOf', () => {
  it('hashes the value of a header', () => {
    expect(keyOf([header('version')], { headers: { version: 'v2' } })).toBe(hash('v2'));
    expect(keyOf([header('version')], { headers: { version: '' } })).toBe(hash(''));
    expect(keyOf([header('version')])).toBeUndefined();
  });

  it('hashes several values of a header in any order the same, as Envoy’s hash_test.cc has it', () => {
    expect(keyOf([header('x')], { headers: { x: ['foo', 'bar'] } })).toBe(hash('foo', hash('bar')));
    expect(keyOf([header('x')], { headers: { x: ['bar', 'foo'] } })).toBe(hash('foo', hash('bar')));
    expect(hash('bar', hash('foo'))).toBe(17745830980996999794n);
  });

  it('hashes what a rewrite makes of the values', () => {
    const rewrite = { source: '\\d+', substitution: '', rewrite: (text: string) => text.replaceAll(/\d+/g, '') };
    expect(keyOf([header('x', rewrite)], { headers: { x: 'user12' } })).toBe(hash('user'));
    expect(keyOf([header('x', rewrite)], { headers: { x: ['2b', '1c'] } })).toBe(hash('c', hash('b')));
  });

  it('knows the parts of the request line as headers', () => {
    const init = { method: 'PUT', path: '/a?b', authority: 'reviews', scheme: 'http' } as const;
    expect(keyOf([header(':method')], init)).toBe(hash('PUT'));
    expect(keyOf([header(':path')], init)).toBe(hash('/a?b'));
    expect(keyOf([header(':scheme')], init)).toBe(hash('http'));
    expect(keyOf([header(':authority')], init)).toBe(hash('reviews'));
    expect(keyOf([header('host')], { ...init, headers: { host: 'Reviews' } })).toBe(hash('Reviews'));
  });

  it('hashes a cookie, and makes one that is absent or empty only where it has a life time', () => {
    expect(keyOf([cookie()], { headers: { cookie: 'user=ann' } })).toBe(hash('ann'));
    expect(keyOf([cookie(0)], { headers: { cookie: 'user=ann' } })).toBe(hash('ann'));
    expect(keyOf([cookie()], { headers: { cookie: 'other=ann' } })).toBeUndefined();
    expect(keyOf([cookie(0)])).toBe(hash('made'));
    expect(keyOf([cookie(1000)], { headers: { cookie: 'user=' } })).toBe(hash('made'));
  });

  it('hashes the address of the source without the form that sockets of both families give it', () => {
    expect(keyOf([{ kind: 'sourceAddress' }], { from: '10.0.0.9' })).toBe(hash('10.0.0.9'));
    expect(keyOf([{ kind: 'sourceAddress' }], { from: '::ffff:10.0.0.9' })).toBe(hash('10.0.0.9'));
    expect(keyOf([{ kind: 'sourceAddress' }])).toBeUndefined();
  });

  it('hashes the first value of a query parameter, an empty one too', () => {
    expect(keyOf([query], { path: '/?a=1&id=7&id=8' })).toBe(hash('7'));
    expect(keyOf([query], { path: '/?id' })).toBe(hash(''));
    expect(keyOf([query], { path: '/?ID=7' })).toBeUndefined();
  });

  it('turns what earlier policies found by a bit and mixes it with the next', () => {
    const init = { headers: { a: '1', b: '2' }, path: '/?id=7' };
    const expected = turned(turned(hash('1')) ^ hash('2')) ^ hash('7');
    expect(keyOf([header('a'), header('none'), header('b'), query], init)).toBe(expected);
    expect(keyOf([header('a'), header('a')], init)).not.toBe(0n);
  });

  it('stops at a terminal policy once something was found', () => {
    const init = { headers: { a: '1', b: '2' } };
    expect(keyOf([{ ...header('a'), terminal: true }, header('b')], init)).toBe(hash('1'));
    expect(keyOf([{ ...header('none'), terminal: true }, header('b')], init)).toBe(hash('2'));
    const late = [header('a'), { ...header('none'), terminal: true }, header('b')];
    expect(keyOf(late, init)).toBe(hash('1'));
  });

  it('keeps within 64 bits', () => {
    const init = { headers: { a: 'v3', b: 'v1' } };
    for (const names of ['ab', 'ba', 'aab', 'bba']) {
      const key = keyOf(
        [...names].map((name) => header(name)),
        init,
      )!;
      expect(BigInt.asUintN(64, key)).toBe(key);
    }
  });
});
