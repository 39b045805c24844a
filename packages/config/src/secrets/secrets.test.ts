import { describe, expect, it } from 'vitest';
import { type CertificateOptions, makeCertificate } from '../../../../test/support/certificates.js';
import { issuesOf, load, loadWith } from '../../test/support.js';

const shop = makeCertificate({ hosts: ['shop.example'] });
const other = makeCertificate({ hosts: ['other.example'] });
const authority = makeCertificate({ hosts: ['authority'], isCa: true });

type Values = Readonly<Record<string, unknown>>;

function secret(fields: object, name = 'shop-cert', namespace = 'default'): string {
  return `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, ...fields })}\n`;
}

function encoded(values: Readonly<Record<string, string>>): Values {
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, btoa(text)]));
}

function tls(values: Readonly<Record<string, string>> = {}): object {
  const data = encoded({ 'tls.crt': shop.certificate, 'tls.key': shop.key, ...values });
  return { type: 'kubernetes.io/tls', data };
}

/** What is served, as `name: what`. */
function served(...texts: string[]): string[] {
  const { issues, resources } = load(...texts);
  expect(issues).toEqual([]);
  return [...resources.secrets!.values()].map(({ name, type }) => `${name}: ${type.case}`);
}

function textOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString();
}

/** With the place cut off. */
function said(...texts: string[]): string[] {
  return issuesOf(...texts).map((line) => line.replace(/^a\.yaml:\d+:\d+: /, ''));
}

describe('A Secret with a certificate', () => {
  it('is served under the names of Istio', () => {
    expect(served(secret(tls()))).toEqual([
      'kubernetes://default/shop-cert: tlsCertificate',
      'kubernetes://shop-cert: tlsCertificate',
    ]);
  });

  it('is served as it is written', () => {
    const { type } = load(secret(tls())).resources.secrets!.get('kubernetes://shop-cert')!;
    if (type.case !== 'tlsCertificate') throw new Error(`${type.case}`);
    expect(textOf(type.value.certificateChain?.specifier.value)).toBe(shop.certificate);
    expect(textOf(type.value.privateKey?.specifier.value)).toBe(shop.key);
  });

  it('can be generic', () => {
    const data = encoded({ cert: shop.certificate, key: shop.key, cacert: authority.certificate });
    expect(served(secret({ type: 'Opaque', data }))).toEqual([
      'kubernetes://default/shop-cert: tlsCertificate',
      'kubernetes://default/shop-cert-cacert: validationContext',
      'kubernetes://shop-cert: tlsCertificate',
      'kubernetes://shop-cert-cacert: validationContext',
    ]);
  });

  it('can be in plain text, which overrides what is encoded', () => {
    const stringData = { cert: shop.certificate, key: shop.key };
    const { issues, resources } = load(secret({ stringData, data: encoded({ cert: 'x', key: 'y' }) }));
    expect(issues).toEqual([]);
    expect([...resources.secrets!.keys()]).toContain('kubernetes://shop-cert');
  });

  it('is for clients of its namespace alone', () => {
    const texts = [secret(tls(), 'a', 'shop'), secret(tls(), 'b', 'pay')];
    const namesFor = (namespace: string) => [
      ...loadWith({ client: { namespace } }, ...texts).resources.secrets!.keys(),
    ];
    expect(namesFor('shop')).toEqual(['kubernetes://a', 'kubernetes://shop/a']);
    expect(namesFor('pay')).toEqual(['kubernetes://b', 'kubernetes://pay/b']);
    expect(namesFor('default')).toEqual([]);
    expect(load(...texts).client.namespace).toBe(true);
  });

  it('may have a chain', () => {
    const chained = `${shop.certificate}${authority.certificate}`;
    expect(served(secret(tls({ 'tls.crt': chained })))).toHaveLength(2);
  });
});

describe('The authorities of a Secret', () => {
  it('can have a Secret of their own, which comes first', () => {
    const own = secret({ data: encoded({ cacert: other.certificate }) }, 'shop-cert-cacert');
    const pair = secret(tls({ 'ca.crt': authority.certificate }));
    for (const texts of [
      [own, pair],
      [pair, own],
    ]) {
      const { issues, resources } = load(...texts);
      expect(issues).toEqual([]);
      const { type } = resources.secrets!.get('kubernetes://shop-cert-cacert')!;
      if (type.case !== 'validationContext') throw new Error(`${type.case}`);
      expect(textOf(type.value.trustedCa?.specifier.value)).toBe(other.certificate);
    }
  });

  it('come with what they revoked', () => {
    const crl = '-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n';
    const values = { cacert: authority.certificate, crl };
    const { type } = load(secret({ data: encoded(values) })).resources.secrets!.get('kubernetes://shop-cert-cacert')!;
    if (type.case !== 'validationContext') throw new Error(`${type.case}`);
    expect(textOf(type.value.crl?.specifier.value)).toBe(crl);
  });

  it('are not served without their list of what is revoked', () => {
    const { resources } = load(secret({ data: encoded({ cacert: authority.certificate, crl: 'x' }) }));
    expect(resources.secrets!.size).toBe(0);
  });
});

describe('What is wrong with a Secret', () => {
  const encrypted = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n';
  const malformed = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';
  const malformedKey = '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n';
  const twice = `${shop.certificate}${shop.certificate}`;

  it.each<[string, object, string]>([
    [
      'no base64',
      { type: 'kubernetes.io/tls', data: { ...encoded({ 'tls.crt': shop.certificate }), 'tls.key': '%%%%' } },
      'data["tls.key"]: is not base64',
    ],
    [
      'PEM in data',
      { data: { cert: shop.certificate, key: shop.key } },
      'data.key: is not base64 (PEM as it is belongs in stringData)',
    ],
    ['no text', { data: { cacert: 5 } }, 'data.cacert: should be a text'],
    ['no mapping', { data: 'secret words' }, 'data: should be a mapping'],
    ['no PEM', tls({ 'tls.crt': 'x' }), 'data["tls.crt"]: has no certificate in PEM'],
    ['no PEM for a key', tls({ 'tls.key': shop.certificate }), 'data["tls.key"]: has no private key in PEM'],
    [
      'a malformed certificate',
      tls({ 'tls.crt': `${shop.certificate}${malformed}` }),
      'data["tls.crt"]: certificate 2 of 2 is malformed',
    ],
    ['a malformed key', tls({ 'tls.key': malformedKey }), 'data["tls.key"]: the private key is malformed'],
    [
      'an encrypted key',
      tls({ 'tls.key': encrypted }),
      'data["tls.key"]: is encrypted, and nobody who is given it knows the passphrase (openssl pkey -in KEY writes it without)',
    ],
    [
      'the key of another',
      tls({ 'tls.key': other.key }),
      'data["tls.key"]: is not the key of the certificate in tls.crt',
    ],
    [
      'a chain that is upside down',
      tls({ 'tls.crt': `${authority.certificate}${twice}` }),
      'data["tls.key"]: is not the key of the certificate in tls.crt (its certificate should come first)',
    ],
    [
      'a key among the certificates',
      tls({ 'tls.crt': `${shop.certificate}${shop.key}` }),
      'data["tls.crt"]: has a private key among the certificates',
    ],
    [
      'a key among the authorities',
      { data: encoded({ cacert: `${authority.certificate}${authority.key}` }) },
      'data.cacert: has a private key among the certificates',
    ],
    [
      'no certificate',
      { type: 'kubernetes.io/tls', data: encoded({ 'tls.key': shop.key }) },
      'data["tls.crt"]: is missing or empty',
    ],
    ['nothing at all', { type: 'kubernetes.io/tls' }, 'data["tls.crt"]: is missing or empty'],
    [
      'no list',
      { data: encoded({ cacert: authority.certificate, crl: 'x' }) },
      'data.crl: has no revocation list in PEM',
    ],
  ])('such as %s is an error that names the field', (_, fields, problem) => {
    const lines = said(secret(fields));
    expect(lines).toContain(`error: Secret default/shop-cert: ${problem}`);
    expect(load(secret(fields)).resources.secrets?.has('kubernetes://shop-cert') ?? false).toBe(false);
  });

  it('is only worth a warning where it may not be meant to be a certificate', () => {
    expect(said(secret({ data: encoded({ cert: shop.certificate }) }))).toEqual([
      'warning: Secret default/shop-cert: data.key: is missing: there is no certificate to serve',
    ]);
    expect(said(secret({ data: encoded({ key: 'of some API' }) }))).toEqual([]);
  });

  it('is not said of Secrets for other things, whose values are not looked at', () => {
    const data = { cert: '%', key: '%', 'ca.crt': '%', password: 5 };
    expect(served(secret({ type: 'kubernetes.io/service-account-token', data }))).toEqual([]);
    expect(served(secret({ type: 'helm.sh/release.v1', data: { release: 5 } }))).toEqual([]);
    expect(served(secret({ data: { password: 5, token: '%' } }))).toEqual([]);
  });

  it('is a warning where the values are encrypted', () => {
    const data = { 'tls.crt': 'ENC[x]', 'tls.key': 'ENC[y]' };
    expect(said(secret({ type: 'kubernetes.io/tls', data, sops: { version: '3' } }))).toEqual([
      'warning: Secret default/shop-cert: sops: is encrypted: its certificates are not served',
    ]);
  });
});

describe('A certificate that is out of its time', () => {
  const from = new Date('2026-01-01T00:00:00Z');
  const to = new Date('2026-02-01T00:00:00Z');
  const days = (options: CertificateOptions) => makeCertificate({ ...options, notBefore: from, notAfter: to });
  const pair = days({ hosts: ['shop.example'] });
  const text = secret(tls({ 'tls.crt': pair.certificate, 'tls.key': pair.key }));
  const at = (time: string) => {
    const { issues, resources } = loadWith({ now: () => Date.parse(time) }, text);
    expect(resources.secrets!.size).toBe(2);
    return issues.map(({ severity, field, message }) => `${severity}: ${field}: ${message}`);
  };

  it('is served with a warning', () => {
    expect(at('2025-12-31T00:00:00Z')).toEqual([
      'warning: data["tls.crt"]: has a certificate that is not valid before 2026-01-01T00:00:00.000Z',
    ]);
    expect(at('2026-01-15T00:00:00Z')).toEqual([]);
    expect(at('2026-02-02T00:00:00Z')).toEqual([
      'warning: data["tls.crt"]: has a certificate that expired at 2026-02-01T00:00:00.000Z',
    ]);
  });
});
