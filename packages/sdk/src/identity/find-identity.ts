import type { AuthorityLocation, TokenLocation } from './authority-location.js';
import type { Federation } from './federated-identity.js';
import { istioFolder } from './identity-files.js';
import type { FoundIdentity, IdentityOption } from './open-identity.js';
import { istioSocket } from './sds-source.js';

/** What a process finds around itself. */
export interface Surroundings {
  readonly variables: Readonly<Record<string, string | undefined>>;
  exists(path: string): boolean;
  /** Whose certificate it is to be. */
  readonly workload: { readonly namespace: string; readonly serviceAccount: string };
}

/**
 * The identity that the options name, else the first that is there: INMESH_IDENTITY, Istio's folder, Istio's socket,
 * SPIFFE_ENDPOINT_SOCKET, INMESH_CA. Undefined: there is none.
 */
export function findIdentity(option: IdentityOption | undefined, around: Surroundings): FoundIdentity | undefined {
  if (option === undefined) return surrounding(around);
  if (typeof option === 'string' || !isFederationAlone(option)) return option;
  const found = surrounding(around);
  if (found === undefined || (typeof found === 'object' && 'onChange' in found)) return found;
  return typeof found === 'string' ? { folder: found, ...option } : { ...found, ...option };
}

function isFederationAlone(option: Exclude<IdentityOption, string>): option is Federation {
  return Object.keys(option).every((key) => key === 'federated');
}

function surrounding(around: Surroundings): FoundIdentity | undefined {
  const { variables, exists } = around;
  if (variables.INMESH_IDENTITY) return named(variables.INMESH_IDENTITY, around);
  if (exists(`${istioFolder}/cert-chain.pem`)) return istioFolder;
  if (exists(istioSocket)) return { sds: `unix:${istioSocket}` };
  if (variables.SPIFFE_ENDPOINT_SOCKET) return { workloadApi: variables.SPIFFE_ENDPOINT_SOCKET };
  return authorityOf(around);
}

const secretsPrefix = 'sds:';

/** INMESH_IDENTITY: a folder, the address of a Workload API, or `sds:` and that of a server of secrets. */
function named(text: string, around: Surroundings): FoundIdentity {
  if (/^(unix|tcp):/.test(text)) return { workloadApi: text };
  if (!text.startsWith(secretsPrefix)) return text;
  const sds = text.slice(secretsPrefix.length);
  const { INMESH_CA_ROOTS: roots } = around.variables;
  const token = tokenOf(around);
  return sds.startsWith('unix:') ? { sds } : { sds, ...(roots && { roots }), ...(token && { token }) };
}

function authorityOf(around: Surroundings): AuthorityLocation | undefined {
  const { INMESH_CA: authority, INMESH_CA_ROOTS: roots } = around.variables;
  if (!authority) return undefined;
  const token = tokenOf(around);
  // Without roots the authority cannot be asked; that it was named is no less meant, so the option is refused.
  return { authority, roots: roots ?? '', ...(token && { token }) };
}

/** INMESH_CA_TOKEN_FILE, or INMESH_CA_TOKEN, in which `{namespace}` and `{serviceAccount}` stand for the workload's. */
function tokenOf({ variables, workload }: Surroundings): TokenLocation | undefined {
  const { INMESH_CA_TOKEN: text, INMESH_CA_TOKEN_FILE: file } = variables;
  if (file) return { file };
  if (!text) return undefined;
  const { namespace, serviceAccount } = workload;
  return { text: text.replaceAll('{namespace}', namespace).replaceAll('{serviceAccount}', serviceAccount) };
}
