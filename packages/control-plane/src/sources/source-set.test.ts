import type { SourceFile } from '@inmesh/config';
import { describe, expect, it } from 'vitest';
import { initialState } from '../config-state.js';
import { SourceSet } from './source-set.js';

const file = (path: string): SourceFile => ({ path, text: path });

function target() {
  const said: unknown[] = [];
  return {
    said,
    setFiles(files: readonly SourceFile[], errors: readonly string[] = []) {
      said.push([files.map(({ path }) => path).join(), errors.join()]);
      return initialState;
    },
    setSourceErrors: (errors: readonly string[]) => void said.push(errors.join()),
  };
}

describe('Sources together', () => {
  it('give nothing before each has given something, and then everything', () => {
    const out = target();
    const told: unknown[] = [];
    const set = new SourceSet(out);
    const [one, other] = [set.join(), set.join((state) => told.push(state))];
    one.setFiles([file('a')]);
    expect(out.said).toEqual([]);
    other.setFiles([file('b'), file('c')]);
    one.setFiles([]);
    expect(out.said).toEqual([
      ['a,b,c', ''],
      ['b,c', ''],
    ]);
    expect(told).toEqual([initialState, initialState]);
  });

  it('say what is wrong with each for as long as it is, whatever the other gives', () => {
    const out = target();
    const set = new SourceSet(out);
    const [one, other] = [set.join(), set.join()];
    one.setFiles([file('a')]);
    other.setFiles([]);
    one.setErrors(['EACCES']);
    one.setErrors(['EACCES']);
    other.setErrors(['forbidden']);
    other.setFiles([file('b')]);
    one.setErrors([]);
    expect(out.said.slice(1)).toEqual(['EACCES', 'EACCES,forbidden', ['a,b', 'EACCES,forbidden'], 'forbidden']);
  });
});
