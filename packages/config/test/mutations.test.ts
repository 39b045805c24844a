import { readdirSync, readFileSync } from 'node:fs';
import { decodeResources, formatResourceError } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../src/index.js';
import { clientIn } from './golden-client.js';

const folder = new URL('./golden/', import.meta.url);
// Those for other clients than the SDK begin with `client-`: what is made for the SDK is what theirs is made of.
const names = readdirSync(folder).filter((name) => name.endsWith('.in.yaml') && !/^(seed|client)-/.test(name));

/** What may stand where something else belongs. */
const junk: readonly unknown[] = [
  null,
  [],
  {},
  '',
  'x',
  '*',
  -1,
  0,
  1.5,
  1e12,
  true,
  [null],
  [{}],
  { x: {} },
  ['a', 'a'],
];

type Container = Record<string, unknown>;

/** Every place of a document, as the object that holds it and its key. */
function* placesIn(value: unknown): Generator<{ holder: Container; key: string }> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield { holder: value as Container, key };
    yield* placesIn(inner);
  }
}

/** The documents with one value after another replaced. */
function* mutationsOf(text: string): Generator<string> {
  const documents = parseAllDocuments(text).map((document) => document.toJS() as unknown);
  let turn = 0;
  for (const { holder, key } of placesIn(documents)) {
    const before = holder[key];
    holder[key] = junk[turn % junk.length];
    yield documents.map((document) => JSON.stringify(document)).join('\n---\n');
    holder[key] = before;
    turn += 1;
  }
}

describe.each(names)('%s, with any value replaced by something else,', (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const options = clientIn(text);

  it('never makes the loader throw, and is either refused or translated to what clients take', () => {
    for (const mutated of mutationsOf(text)) {
      const { issues, resources } = loadConfig([{ path: name, text: mutated }], options);
      if (issues.some(({ severity }) => severity === 'error')) continue;
      expect(decodeResources(resources).errors.map(formatResourceError), mutated).toEqual([]);
    }
  });
});
