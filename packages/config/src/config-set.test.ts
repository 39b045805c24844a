import { describe, expect, it } from 'vitest';
import { service } from '../test/support.js';
import { ConfigSet } from './config-set.js';

const broken = 'a: [b';

function setOf(first: Record<string, string>) {
  const set = new ConfigSet();
  const update = (files: Record<string, string>) => {
    const { config, refused } = set.update(Object.entries(files).map(([path, text]) => ({ path, text })));
    const hosts = config && [...config.resources.listeners.keys()].map((name) => name.split('.')[0]);
    return { hosts, refused };
  };
  return { update, before: update(first) };
}

describe('A set of files', () => {
  it('goes on without a new file that is broken, and takes it once it is mended', () => {
    const { update } = setOf({ 'a.yaml': service('a', 80) });
    const changed = service('a', 80) + service('b', 80);
    expect(update({ 'a.yaml': changed, 'new.yaml': broken })).toEqual({ hosts: ['a', 'b'], refused: ['new.yaml'] });
    const mended = update({ 'a.yaml': changed, 'new.yaml': service('c', 80) });
    expect(mended).toEqual({ hosts: ['a', 'b', 'c'], refused: [] });
  });

  it('gives the same configuration as long as the same contents are in use', () => {
    const set = new ConfigSet();
    const configOf = (text: string) => set.update([{ path: 'a.yaml', text }]).config;
    const first = configOf(service('a', 80));
    expect([configOf(broken), configOf(`${broken}]`), configOf(service('a', 80))]).toEqual([first, first, first]);
    expect([configOf(broken), configOf(service('a', 80))].every((config) => config === first)).toBe(true);
    expect(configOf(service('a', 81))).not.toBe(first);
  });

  it('is not used in part at the start', () => {
    const { before } = setOf({ 'a.yaml': service('a', 80), 'b.yaml': broken });
    expect(before).toEqual({ hosts: undefined, refused: ['b.yaml'] });
  });

  it('names what is held back by a mistake in a file that did not change', () => {
    const { update } = setOf({ 'a.yaml': service('a', 80), 'z.yaml': service('z', 80) });
    const held = update({ 'a.yaml': service('a', 80) + service('z', 80), 'z.yaml': service('z', 80) });
    expect(held).toEqual({ hosts: ['a', 'z'], refused: ['z.yaml', 'a.yaml'] });
  });
});
