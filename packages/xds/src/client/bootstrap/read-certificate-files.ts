import type { CertificateProviderConfig } from './bootstrap.js';
import type { JsonField } from './json-field.js';

export interface CertificateFiles {
  readonly caCertificateFile: string | undefined;
  readonly certificateFile: string | undefined;
  readonly privateKeyFile: string | undefined;
  /** Default: 10 minutes. */
  readonly refreshIntervalMs: number;
}

const defaultRefreshIntervalMs = 600_000;

/** The `config` of TLS credentials (gRFC A65) and of a `file_watcher` (gRFC A29). */
export function readCertificateFiles(config: JsonField): CertificateFiles {
  config.object();
  const certificateFile = config.field('certificate_file').string();
  const privateKeyFile = config.field('private_key_file').string();
  if ((certificateFile === undefined) !== (privateKeyFile === undefined)) {
    config.fail('certificate_file and private_key_file go together: give both or none');
  }
  const caCertificateFile = config.field('ca_certificate_file').string();
  const refreshIntervalMs = readDuration(config.field('refresh_interval')) ?? defaultRefreshIntervalMs;
  return { caCertificateFile, certificateFile, privateKeyFile, refreshIntervalMs };
}

/** An instance of `certificate_providers`. */
export function readCertificateProvider(provider: JsonField): CertificateProviderConfig {
  const name = provider.field('plugin_name').requiredString();
  if (name !== 'file_watcher') return { plugin: 'unknown', name };
  const config = provider.field('config');
  const files = readCertificateFiles(config);
  if (files.certificateFile === undefined && files.caCertificateFile === undefined) {
    config.fail('names neither certificate_file nor ca_certificate_file');
  }
  return { plugin: 'file_watcher', ...files };
}

/** A protobuf Duration in JSON, such as `600s`, in ms. */
function readDuration(field: JsonField): number | undefined {
  const text = field.string();
  if (text === undefined) return undefined;
  const [, seconds] = /^(\d+(?:\.\d{1,9})?)s$/.exec(text) ?? [];
  if (seconds === undefined || Number(seconds) === 0)
    field.fail(`${JSON.stringify(text)} is not a time such as "600s"`);
  return Number(seconds) * 1000;
}
