import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseBootstrap, parseBootstrapText } from './parse-bootstrap.js';

const whole = {
  xds_servers: [{ server_uri: 'a:1', channel_creds: [{ type: 'tls', config: { ca_certificate_file: 'ca' } }] }],
  node: { id: 'n', cluster: 'c', locality: { region: 'r' }, metadata: { a: [1] } },
  authorities: { x: { client_listener_resource_name_template: 'xdstp://x/%s', xds_servers: [] } },
  client_default_listener_resource_name_template: '%s',
  server_listener_resource_name_template: '%s',
  certificate_providers: { p: { plugin_name: 'file_watcher', config: { ca_certificate_file: 'ca' } } },
};

/** With one value somewhere in it replaced. */
function withReplacement(value: unknown, path: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return replacement;
  const entries = Object.entries(value);
  const chosen = entries[step % Math.max(1, entries.length)];
  if (chosen === undefined) return replacement;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  return Object.assign(copy, { [chosen[0]]: withReplacement(chosen[1], rest, replacement) });
}

function expectAnswer(json: unknown): void {
  const result = parseBootstrap(json, 'FILE');
  if (result.ok) expect(result.bootstrap.servers.length).toBeGreaterThan(0);
  else for (const error of result.errors) expect(error).toMatch(/^FILE: /);
}

it('answers any JSON with a bootstrap or with what is wrong', () => {
  fc.assert(fc.property(fc.jsonValue(), expectAnswer));
});

it('answers any mistake in a bootstrap', () => {
  const path = fc.array(fc.nat(7), { maxLength: 5 });
  fc.assert(fc.property(path, fc.jsonValue(), (at, by) => expectAnswer(withReplacement(whole, at, by))));
});

it('answers any text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseBootstrapText(text, 'FILE')).toHaveProperty('ok');
    }),
  );
});
