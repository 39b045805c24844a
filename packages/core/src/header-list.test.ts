import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderList } from './header-list.js';

describe('HeaderList', () => {
  it('lower-cases names and keeps values and order', () => {
    const headers = HeaderList.of([
      ['X-A', 'One'],
      ['x-b', 'two'],
    ]);
    expect(headers.flat).toEqual(['x-a', 'One', 'x-b', 'two']);
  });

  it('gets the first value, or all of them joined', () => {
    const headers = new HeaderList(['a', '1', 'b', '2', 'a', '3']);
    expect(headers.get('a')).toBe('1');
    expect(headers.getJoined('a')).toBe('1,3');
    expect(headers.getJoined('b')).toBe('2');
    expect(headers.get('c')).toBeUndefined();
    expect(headers.getJoined('c')).toBeUndefined();
  });

  it('tells an empty value from a missing header', () => {
    const headers = new HeaderList(['a', '', 'a', 'x']);
    expect(headers.has('a')).toBe(true);
    expect(headers.get('a')).toBe('');
    expect(headers.getJoined('a')).toBe(',x');
  });

  it('does not take a value for a name', () => {
    const headers = new HeaderList(['a', 'b', 'c', 'd']);
    expect(headers.has('b')).toBe(false);
    headers.delete('b');
    expect(headers.flat).toEqual(['a', 'b', 'c', 'd']);
  });

  it('sets a header in place of all its values', () => {
    const headers = new HeaderList(['a', '1', 'b', '2', 'a', '3', 'a', '4']);
    headers.set('a', '5');
    expect(headers.flat).toEqual(['a', '5', 'b', '2']);
    headers.set('c', '6');
    expect(headers.flat).toEqual(['a', '5', 'b', '2', 'c', '6']);
  });

  it('appends beside what is there, and deletes every value', () => {
    const headers = new HeaderList(['a', '1']);
    headers.append('a', '2');
    headers.append('b', '3');
    expect(headers.getJoined('a')).toBe('1,2');
    headers.delete('a');
    expect(headers.flat).toEqual(['b', '3']);
  });

  it('copies so that the original stays as it was', () => {
    const original = new HeaderList(['a', '1']);
    original.copy().set('a', '2');
    expect(original.get('a')).toBe('1');
  });

  it('agrees with a list of pairs, for any changes', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const change = fc.record({ kind: fc.constantFrom('set', 'append', 'delete'), name, value: name });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const headers = new HeaderList();
        let pairs: [string, string][] = [];
        for (const { kind, name: key, value } of changes) {
          if (kind === 'append') headers.append(key, value);
          else if (kind === 'set') headers.set(key, value);
          else headers.delete(key);
          pairs = changed(pairs, kind, key, value);
        }
        expect(headers.flat).toEqual(pairs.flat());
      }),
    );
  });
});

function changed(pairs: [string, string][], kind: string, key: string, value: string): [string, string][] {
  const first = pairs.findIndex(([name]) => name === key);
  if (kind === 'append' || (kind === 'set' && first < 0)) return [...pairs, [key, value]];
  const rest = pairs.filter(([name], index) => name !== key || (kind === 'set' && index === first));
  return rest.map(([name, old]) => [name, name === key ? value : old]);
}
