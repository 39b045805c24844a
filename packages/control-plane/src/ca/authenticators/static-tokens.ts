import { createHash } from 'node:crypto';
import type { PeerIdentity } from '@inmesh/core';
import { readPrivateFile } from '../private-files.js';
import { type Authenticator, refuse, workloadIdentity } from './authenticator.js';

/** Shorter ones can be guessed. */
const minTokenLength = 16;

/**
 * Tokens of a file that its owner alone can read (0600), a line each: `TOKEN NAMESPACE/SERVICE-ACCOUNT`. For machines without
 * Kubernetes, `inmesh dev` and tests. Read anew for each question, so that a line that is removed counts no more.
 * @throws Error that names the line that is wrong, or the command that mends the mode
 */
export function staticTokenFile(path: string, trustDomain: string): Authenticator {
  readTokenFile(path, trustDomain);
  return {
    name: 'token file',
    authenticate: async ({ bearer }) => {
      if (bearer === undefined) return undefined;
      try {
        return judge(bearer, readTokenFile(path, trustDomain));
      } catch (error) {
        return refuse('unavailable', (error as Error).message);
      }
    },
  };
}

/** Tokens that this process has made itself. */
export function staticTokens(tokens: ReadonlyMap<string, PeerIdentity>): Authenticator {
  const known = new Map([...tokens].map(([token, identity]) => [digest(token), identity]));
  return {
    name: 'token',
    authenticate: async ({ bearer }) => (bearer === undefined ? undefined : judge(bearer, known)),
  };
}

function judge(bearer: string, known: ReadonlyMap<string, PeerIdentity>) {
  const identity = known.get(digest(bearer));
  return identity === undefined
    ? refuse('bad_token', 'the token is not known')
    : ({ ok: true, identity, by: 'token' } as const);
}

/** Compared by their digests, how long it takes says nothing of how much of a guess is right. */
function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function readTokenFile(path: string, trustDomain: string): Map<string, PeerIdentity> {
  const text = readPrivateFile(path);
  if (text === undefined) throw new Error(`${path} is missing`);
  const known = new Map<string, PeerIdentity>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [token = '', name = '', ...more] = line.trim().split(/\s+/);
    const [namespace = '', serviceAccount = '', ...rest] = name.split('/');
    const identity = workloadIdentity(trustDomain, namespace, serviceAccount);
    if (identity === undefined || more.length > 0 || rest.length > 0 || token.length < minTokenLength) {
      const form = `a token of ${minTokenLength} characters and more, a space and NAMESPACE/SERVICE-ACCOUNT`;
      throw new Error(`${path}:${index + 1} is not ${form}`);
    }
    known.set(digest(token), identity);
  }
  return known;
}
