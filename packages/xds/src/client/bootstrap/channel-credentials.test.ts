import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../../../../../test/support/certificates.js';
import { RecordingLogger } from '../../../test/logger.js';
import { realClock } from '../../../test/real-clock.js';
import { ScriptedServer } from '../../../test/scripted-server.js';
import { AdsClient } from '../ads-client.js';
import { defaultServerFeatures, type TlsCredentialsConfig } from '../server-config.js';
import { credentialsReader } from './channel-credentials.js';

const ca = authority('our ca');
const otherCa = authority('another ca');
const serverCertificate = signed(ca, '127.0.0.1');
const clientCertificate = signed(ca, 'client');

let folder: string;
let server: ScriptedServer;
let client: AdsClient | undefined;
let logger: RecordingLogger;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inmesh-creds-'));
  server = new ScriptedServer();
  logger = new RecordingLogger();
});

afterEach(() => {
  client?.close();
  server.kill();
  rmSync(folder, { recursive: true });
});

function authority(name: string) {
  return { name, ...makeCertificate({ hosts: [name], isCa: true }) };
}

function signed(issuer: ReturnType<typeof authority>, host: string): TestCertificate {
  return makeCertificate({ hosts: [host], issuer: { hosts: [issuer.name], keyObject: issuer.keyObject } });
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function serverCredentials({ key, certificate }: TestCertificate, asksForCertificates = false): ServerCredentials {
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
  return ServerCredentials.createSsl(Buffer.from(ca.certificate), [pair], asksForCertificates);
}

function connect(serverUri: string, credentials: Omit<TlsCredentialsConfig, 'kind'>): AdsClient {
  client = new AdsClient({
    servers: [{ serverUri, credentials: { kind: 'tls', ...credentials }, features: defaultServerFeatures }],
    node: { id: 'n', cluster: 'c', metadata: {} },
    clock: realClock,
    random: () => 0.05,
    logger,
    onResources: () => {},
  });
  client.start();
  return client;
}

async function reasonOfRefusal(ads: AdsClient): Promise<string> {
  await expect.poll(() => ads.status.kind).toBe('disconnected');
  const { status } = ads;
  return status.kind === 'disconnected' ? status.reason : '';
}

/** Of the last attempt that was made. */
function lastReason(): unknown {
  const { fields } = logger.lines.findLast(({ message }) => message === 'lost the config server') ?? {};
  return fields !== undefined && 'reason' in fields ? fields.reason : undefined;
}

describe('TLS to the config server', () => {
  it('trusts whom the CA of the file has signed', async () => {
    const address = await server.start(0, serverCredentials(serverCertificate));
    connect(address, { caCertificateFile: file('ca.pem', ca.certificate) });
    const stream = await server.streams.next();
    expect((await stream.next()).node?.id).toBe('n');
  });

  it('shows its own certificate where the server asks for one', async () => {
    const address = await server.start(0, serverCredentials(serverCertificate, true));
    connect(address, {
      caCertificateFile: file('ca.pem', ca.certificate),
      certificateFile: file('cert.pem', clientCertificate.certificate),
      privateKeyFile: file('key.pem', clientCertificate.key),
    });
    const stream = await server.streams.next();
    expect((await stream.next()).node?.id).toBe('n');
  });

  it('is refused without a certificate where the server asks for one', async () => {
    const address = await server.start(0, serverCredentials(serverCertificate, true));
    const ads = connect(address, { caCertificateFile: file('ca.pem', ca.certificate) });
    expect(await reasonOfRefusal(ads)).toContain('UNAVAILABLE');
  });

  it.each<[string, () => Omit<TlsCredentialsConfig, 'kind'>, TestCertificate, RegExp]>([
    [
      'of another CA',
      () => ({ caCertificateFile: file('ca.pem', otherCa.certificate) }),
      serverCertificate,
      /UNAVAILABLE.*(unable to verify|self-signed|issuer certificate)/,
    ],
    [
      'that the roots of the system do not know',
      () => ({}),
      serverCertificate,
      /UNAVAILABLE.*(unable to verify|self-signed|issuer)/,
    ],
    [
      'of another host',
      () => ({ caCertificateFile: file('ca.pem', ca.certificate) }),
      signed(ca, '127.0.0.2'),
      /UNAVAILABLE.*127\.0\.0\.1 is not in the cert/,
    ],
  ])('refuses a server %s, and says why', async (_what, credentials, certificate, reason) => {
    const address = await server.start(0, serverCredentials(certificate));
    const ads = connect(address, credentials());
    expect(await reasonOfRefusal(ads)).toMatch(reason);
  });

  it('is never in the clear, not even to a server that is (b1)', async () => {
    const address = await server.start();
    let isReached = false;
    void server.streams.next().then(() => {
      isReached = true;
    });
    const ads = connect(address, { caCertificateFile: file('ca.pem', ca.certificate) });
    expect(await reasonOfRefusal(ads)).toContain('UNAVAILABLE');
    expect(isReached).toBe(false);
  });

  it('waits for files that are not there yet', async () => {
    const address = await server.start(0, serverCredentials(serverCertificate));
    const caCertificateFile = join(folder, 'late.pem');
    const ads = connect(address, { caCertificateFile });
    expect(await reasonOfRefusal(ads)).toMatch(/^ca_certificate_file: ENOENT: .*late\.pem/);
    file('late.pem', ca.certificate);
    await server.streams.next();
  });

  it('takes new files for each connection, so that a rotated CA needs no restart', async () => {
    const address = await server.start(0, serverCredentials(serverCertificate));
    const caCertificateFile = file('ca.pem', ca.certificate);
    connect(address, { caCertificateFile });
    await server.streams.next();
    server.kill();
    await server.start(Number(address.split(':')[1]), serverCredentials(signed(otherCa, '127.0.0.1')));
    await expect.poll(lastReason, { timeout: 10_000 }).toMatch(/unable to verify|issuer certificate/);
    file('ca.pem', otherCa.certificate);
    await server.streams.next();
  });
});

describe('credentialsReader', () => {
  const fits = () => ({
    kind: 'tls' as const,
    certificateFile: file('cert.pem', clientCertificate.certificate),
    privateKeyFile: file('key.pem', clientCertificate.key),
  });

  it('goes on with the last good files in the middle of a rotation, and says so', () => {
    const config = fits();
    const read = credentialsReader(config, logger);
    const first = read();
    const next = signed(ca, 'client');
    file('cert.pem', next.certificate);
    expect(read()).toBe(first);
    expect(logger.lines).toMatchObject([
      { level: 'warn', message: 'certificates cannot be used: going on with the last good ones' },
    ]);
    file('key.pem', next.key);
    expect(read()).not.toBe(first);
  });

  it.each<[string, string, RegExp]>([
    ['cert.pem', 'no certificate', /^certificate_file: .*cert\.pem holds no certificate$/],
    ['key.pem', 'no key', /cert\.pem and .*key\.pem: /],
    ['key.pem', signed(ca, 'x').key, /cert\.pem and .*key\.pem: .*mismatch/],
  ])('has no credentials when %s is broken from the start', (name, content, error) => {
    const config = fits();
    file(name, content);
    expect(credentialsReader(config, logger)).toThrow(error);
  });

  it('takes no CA file without a certificate for one that trusts the system', () => {
    const caCertificateFile = file('ca.pem', '');
    expect(credentialsReader({ kind: 'tls', caCertificateFile }, logger)).toThrow('holds no certificate');
  });
});
