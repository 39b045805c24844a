import { create, toJson } from '@bufbuild/protobuf';
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { secretMessage, trustMessage } from '../../test/fixtures.js';
import { ClusterSchema, SecretSchema, TlsCertificateSchema, UpstreamTlsContextSchema } from '../messages.js';
import { redact, redactAny } from './redact.js';

const inline = (value: string) => ({ specifier: { case: 'inlineString' as const, value } });

describe('What is shown of a resource', () => {
  it('is all of what is no secret', () => {
    expect(redact(SecretSchema, trustMessage('a'))).toEqual(trustMessage('a'));
  });

  it('has a mark in the place of keys, and leaves the resource as it is', () => {
    const message = secretMessage('a', 'the key');
    expect(toJson(SecretSchema, redact(SecretSchema, message))).toEqual({
      name: 'a',
      tlsCertificate: {
        certificateChain: { inlineBytes: btoa('a certificate') },
        privateKey: { inlineString: '[redacted]' },
      },
    });
    expect(message).toEqual(secretMessage('a', 'the key'));
  });

  it.each([
    { case: 'sessionTicketKeys' as const, value: { keys: [inline('the key'), inline('the key')] } },
    { case: 'genericSecret' as const, value: { secret: inline('the key') } },
    { case: 'tlsCertificate' as const, value: { pkcs12: inline('the key'), password: inline('the key') } },
    {
      case: 'tlsCertificate' as const,
      value: {
        privateKeyProvider: {
          providerName: 'a',
          configType: {
            case: 'typedConfig' as const,
            value: anyPack(SecretSchema, create(SecretSchema, { name: 'the key' })),
          },
        },
      },
    },
  ])('has no keys of any other kind: $case', (type) => {
    const message = create(SecretSchema, { name: 'a', type });
    const shown = redactAny(anyPack(SecretSchema, message));
    expect(Buffer.from(shown.value).includes('the key')).toBe(false);
    expect(anyUnpack(shown, SecretSchema)?.type.case).toBe(type.case);
  });

  it('has no keys of what is packed in it', () => {
    const tlsCertificates = [create(TlsCertificateSchema, { privateKey: inline('the key') })];
    const context = create(UpstreamTlsContextSchema, { sni: 'a.example', commonTlsContext: { tlsCertificates } });
    const configType = { case: 'typedConfig' as const, value: anyPack(UpstreamTlsContextSchema, context) };
    const cluster = create(ClusterSchema, { name: 'a', transportSocket: { name: 'tls', configType } });
    const shown = redactAny(anyPack(ClusterSchema, cluster));
    expect(Buffer.from(shown.value).includes('the key')).toBe(false);
    expect(Buffer.from(shown.value).includes('a.example')).toBe(true);
  });

  it('has nothing of what nobody can look into', () => {
    const typeUrl = 'type.googleapis.com/some.Thing';
    const shown = redactAny({ $typeName: 'google.protobuf.Any', typeUrl, value: Buffer.from('the key') });
    expect(shown).toMatchObject({ typeUrl, value: new Uint8Array() });
    const malformed = { ...anyPack(SecretSchema, trustMessage('a')), value: Buffer.from('the key') };
    expect(redactAny(malformed).value).toEqual(new Uint8Array());
  });
});
