import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { run } from './support/run.js';

describe('The command line', () => {
  it.each([
    [['serve', '--config', 'x', '--xds-prot', '1'], "Unknown option '--xds-prot'"],
    [['serve'], '--config is missing'],
    [['serve', '--config', 'x', '--xds-port', 'http'], '--xds-port: "http" is not a port from 0 to 65535'],
    [['serve', '--config', 'x', '--debug-port', '65536'], '--debug-port: "65536" is not a port from 0 to 65535'],
    [['serve', '--config', 'x', '--streams-per-second', '0'], '--streams-per-second: "0" is not a number above 0'],
    [['serve', '--config', 'x', '--streams-per-second', '9e9'], '--streams-per-second: "9e9" is not a number above 0'],
    [['serve', '--config', 'x', '--max-connection-age', '5'], '--max-connection-age: "5" is not a duration such as'],
    [['serve', '--config', 'x', '--max-connection-age', '0s'], '"0s" is not above 0 and at most 480h'],
    [['serve', '--config', 'x', '--max-connection-age', '481h'], '"481h" is not above 0 and at most 480h'],
    [
      ['serve', '--config', 'x', '--revision', 'a'],
      '--revision is for the objects of a cluster: give --kubernetes too',
    ],
    [
      ['serve', '--kubernetes', '--include-namespaces', 'A'],
      '--include-namespaces: "A" is not the name of a namespace',
    ],
    [
      ['serve', '--kubernetes', '--include-namespaces', 'a,b', '--exclude-namespaces', 'c'],
      '--include-namespaces and --exclude-namespaces: give one',
    ],
    [['serve', '--kubernetes', '--revision', '-'], '--revision: "-" is not the value of a label'],
    [['serve', '--kubernetes', '--controller-name', 'inmesh'], '--controller-name: "inmesh" is not DOMAIN/PATH'],
    [['serve', '--kubernetes', '--kubeconfig', '/none'], '--kubernetes: '],
    [['serve', '--config', 'x', 'y'], "Unexpected argument 'y'"],
    [['validate'], 'a PATH is missing'],
    [['explain', '--config', 'x'], 'give one URL'],
    [['explain', 'http://reviews/'], '--config or --xds is missing'],
    [['explain', '--config', 'x', '--xds', 'y:1', 'http://reviews/'], 'give --config or --xds, not both'],
    [['explain', '--config', 'x', 'reviews'], '"reviews" is not a URL'],
    [['explain', '--config', 'x', 'http://reviews/', '--header', 'jason'], `--header: "jason" is not 'name: value'`],
    [['dev', '--config', 'x', '--'], 'the command behind -- is missing'],
    [['dev', '--config', 'x', 'node'], "Unexpected argument 'node'"],
    [['sreve'], 'unknown command "sreve"'],
    [['constructor'], 'unknown command "constructor"'],
  ])('%j ends with code 2 and says what is wrong', async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toContain('--help');
  });

  it.each(['serve', 'dev', 'validate', 'explain'])('%s --help says how it is called', async (command) => {
    const { code, out } = await run(command, '--help');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^inmesh ${command} `));
    expect((await run('--help')).out).toContain(`  ${command} `);
  });

  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });
});
