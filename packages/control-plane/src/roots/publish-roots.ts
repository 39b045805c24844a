import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { CertificateAuthority } from '../ca/authority.js';
import type { CaOptions } from '../ca/ca-options.js';
import type { AuthorityTools } from '../ca/open-authority.js';
import { LeaderElection } from '../kubernetes/leader/leader-election.js';
import { RootConfigMaps } from './root-config-maps.js';

export interface PublishedRoots {
  /** Whether it is this server that tells the cluster of our roots. Alone, it always is. */
  readonly isLeader: () => boolean;
  /** Tells when it begins to be. */
  readonly onLead: (listener: () => void) => void;
  close(): Promise<void>;
}

const leaseName = 'inmesh-roots';

/** Servers that share their keys elect one, so that those who learn later of a new root do not take it back. */
export function publishRoots(ca: CaOptions, authority: CertificateAuthority, tools: AuthorityTools): PublishedRoots {
  const { kubernetes: client, clock, now, logger } = tools;
  const { rootsConfigMap: name, secret } = ca;
  if (client === undefined) return { isLeader: () => true, onLead() {}, close: async () => {} };
  const listeners: (() => void)[] = [];
  const election =
    secret &&
    new LeaderElection({
      ...{ client, clock, now, random: Math.random, lease: { namespace: secret.namespace, name: leaseName } },
      identity: `${hostname()}-${randomUUID()}`,
      onStarted: () => {
        for (const listener of listeners) listener();
      },
      onStopped: () => {},
      onProblem: (problem) => {
        if (problem !== undefined) logger.warn('no server is elected to tell the cluster of our roots', { problem });
      },
    });
  const isLeader = () => election?.isLeader ?? true;
  const maps =
    name === undefined
      ? undefined
      : new RootConfigMaps({ client, name, authority, clock, random: Math.random, logger, isLeader });
  listeners.push(() => maps?.all());
  return {
    isLeader,
    onLead: (listener) => listeners.push(listener),
    close: async () => {
      await maps?.close();
      await election?.close();
    },
  };
}
