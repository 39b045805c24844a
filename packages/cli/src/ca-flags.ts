import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CaOptions } from '@inmesh/control-plane';
import { parsePort, UsageError } from './command.js';
import { parseObjectName } from './flag-values.js';

/** Of a config server that gives identities. */
export const caFlags = {
  ca: { type: 'string' },
  'ca-secret': { type: 'string' },
  'ca-roots': { type: 'string' },
  'tls-port': { type: 'string' },
  'tls-host': { type: 'string', multiple: true },
  'ca-tokens': { type: 'string' },
  'ca-jwks': { type: 'string' },
  'ca-issuer': { type: 'string' },
  'ca-audience': { type: 'string', multiple: true },
} as const;

export const caHelp = `  --ca DIR             give identities: keys in DIR, made when it is missing (mode 0700), or the CA of somebody else that is
                       there (Istio's cacerts or cert-manager's names)
  --ca-secret NS/NAME  the same with keys in a Kubernetes Secret, made when it is missing; for several servers at once
  --ca-roots NAME      of a ConfigMap that is kept in every namespace, with the root certificates as root-cert.pem
  --tls-port N         configuration and certificates for those who prove who they are (15012)
  --tls-host NAME      another name that clients call it by; may be given several times
  --ca-tokens FILE     who has which token: lines of TOKEN NAMESPACE/SERVICE-ACCOUNT, mode 0600; a TOKEN has 16
                       characters or more
  --ca-jwks FILE       keys of the cluster, to check service account tokens without asking it; with --ca-issuer URL
  --ca-audience NAME   of service account tokens (istio-ca); may be given several times`;

type CaFlags = {
  readonly [Name in keyof typeof caFlags]?:
    | ((typeof caFlags)[Name] extends { multiple: true } ? string[] : string)
    | undefined;
};

/** Undefined: no authority. @throws UsageError for flags that say nothing without another */
export function readCaFlags(flags: CaFlags, trustDomain: string | undefined): CaOptions | undefined {
  const { ca: folder, 'ca-jwks': path, 'ca-issuer': issuer } = flags;
  const secret = parseObjectName(flags['ca-secret'], '--ca-secret');
  if (folder === undefined && secret === undefined) {
    const useless = (Object.keys(caFlags) as (keyof typeof caFlags)[]).find((name) => flags[name] !== undefined);
    if (useless !== undefined) throw new UsageError(`--${useless} is for a certificate authority: give --ca DIR too`);
    return undefined;
  }
  if (folder !== undefined && secret !== undefined) throw new UsageError('--ca and --ca-secret: give one');
  if (folder === '') throw new UsageError('--ca is missing its folder');
  if ((path === undefined) !== (issuer === undefined)) throw new UsageError('--ca-jwks and --ca-issuer: give both');
  return {
    folder,
    secret,
    rootsConfigMap: flags['ca-roots'],
    tlsPort: parsePort(flags['tls-port'], '--tls-port'),
    hosts: flags['tls-host'],
    trustDomain,
    tokenFile: flags['ca-tokens'],
    keySet: path === undefined || issuer === undefined ? undefined : { path, issuer },
    audiences: flags['ca-audience'],
  };
}

/** What clients have to be told, as far as it is known here. @param tls `host:port` */
export function clientsHelp({ folder }: CaOptions, tls: string): string {
  const roots = ['root-cert.pem', 'ca.crt'].map((name) => join(resolve(folder ?? ''), name)).find(existsSync);
  const found = folder === undefined ? undefined : roots;
  // Where it listens everywhere, the address is none to call.
  const address = tls.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, 'HOST');
  return `clients of the certificate authority want INMESH_CA=${address} INMESH_CA_ROOTS=${found ?? 'FILE'} INMESH_CA_TOKEN_FILE=FILE`;
}
