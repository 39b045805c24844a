import { describe, expect, it } from 'vitest';
import { readCaFlags } from '../src/ca-flags.js';
import { readWebhookFlags } from '../src/webhook-flags.js';
import { run } from './support/run.js';

describe('The flags of the webhook', () => {
  it('open it on the port that is given, or with the configuration that is to have its roots', () => {
    const ca = { folder: 'ca' };
    expect(readWebhookFlags({}, ca)).toBeUndefined();
    expect(readWebhookFlags({ 'webhook-port': '0' }, ca)).toEqual({ port: 0, configuration: undefined });
    const configuration = 'inmesh-validator';
    expect(readWebhookFlags({ 'webhook-configuration': configuration }, ca)).toEqual({
      port: undefined,
      configuration,
    });
  });

  it('need a certificate authority, and say so', async () => {
    const { code, err } = await run('serve', '--config', 'config', '--webhook-configuration', 'inmesh-validator');
    expect(code).toBe(2);
    expect(err).toContain('--webhook-configuration is for a server with a certificate: give --ca or --ca-secret too');
  });

  it('say what is wrong with a value', async () => {
    const flags = ['--ca', 'ca', '--webhook-port', 'many'];
    const { code, err } = await run('serve', '--config', 'config', ...flags);
    expect(code).toBe(2);
    expect(err).toContain('--webhook-port: "many" is not a port from 0 to 65535');
    const unnamed = await run('serve', '--config', 'config', '--ca', 'ca', '--webhook-configuration', '');
    expect(unnamed.err).toContain('--webhook-configuration is missing its name');
  });
});

it('The flags of the authority name the ConfigMap that is to have its roots', () => {
  const secret = { namespace: 'inmesh-system', name: 'inmesh-ca' };
  const options = readCaFlags({ 'ca-secret': 'inmesh-system/inmesh-ca', 'ca-roots': 'inmesh-ca-root-cert' }, undefined);
  expect(options).toMatchObject({ secret, rootsConfigMap: 'inmesh-ca-root-cert' });
  expect(() => readCaFlags({ 'ca-roots': 'inmesh-ca-root-cert' }, undefined)).toThrow(
    '--ca-roots is for a certificate authority',
  );
});
