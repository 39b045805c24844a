import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { decodeResources, formatResourceError } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/index.js';
import { clientIn } from './golden-client.js';
import { render } from './render.js';

const folder = new URL('./golden/', import.meta.url);
const seeds = new URL('../../../test/fixtures/seed-configs/', import.meta.url);
const update = process.env.UPDATE_GOLDEN === '1';

function read(name: string, from = folder): string {
  return readFileSync(new URL(name, from), 'utf8');
}

function namesIn(url: URL, ending: string): string[] {
  return readdirSync(url)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
}

const names = namesIn(folder, '.in.yaml');

// UPDATE_GOLDEN=1 writes what comes out; read the difference before it is committed.
describe.each(names)('%s', (name) => {
  const file = { path: `${name}.in.yaml`, text: read(`${name}.in.yaml`) };
  const options = clientIn(file.text);

  it('is translated as it was', () => {
    const rendered = render(loadConfig([file], options));
    const output = new URL(`${name}.out.yaml`, folder);
    if (update || !existsSync(output)) writeFileSync(output, rendered);
    expect(rendered).toBe(read(`${name}.out.yaml`));
  });

  it('is translated to what clients take', () => {
    // What others than the SDK take, they say themselves: test/grpc-validation.test.ts and the interop suite ask them.
    if (options.client?.kind !== undefined) return;
    const { resources } = loadConfig([file], options);
    expect(decodeResources(resources).errors.map(formatResourceError)).toEqual([]);
  });

  it('is translated to the same bytes whatever the order of its documents', () => {
    // Of two objects of one name the first is taken, and that is an error.
    if (name === 'mistakes') return;
    const reversed = file.text
      .split(/^---$/m)
      .reverse()
      .map((text, index) => ({ path: `${index}.yaml`, text }));
    const issues: [] = [];
    const again = loadConfig(reversed, options);
    expect(render({ ...again, issues })).toBe(render({ ...loadConfig([file], options), issues }));
  });
});

describe('The seed configurations', () => {
  it.each(namesIn(seeds, '.yaml'))('%s stands among the golden files as it is', (name) => {
    expect(names).toContain(`seed-${name}`);
    expect(read(`seed-${name}.in.yaml`).startsWith(read(`${name}.yaml`, seeds))).toBe(true);
  });
});
