import { isTrustDomain } from '@inmesh/core';
import { type CaOptions, defaultCaOptions } from './ca/ca-options.js';
import type { Logger } from './logger.js';
import type { KubernetesOptions } from './sources/kubernetes/kubernetes-options.js';
import type { WebhookOptions } from './webhook/webhook-options.js';

export interface ControlPlaneOptions {
  /** Files and folders of YAML; they are watched. May be empty where the objects of a cluster are served. */
  readonly config: readonly string[];
  /** Serves the objects of a Kubernetes cluster, beside the files. Default: none. */
  readonly kubernetes?: KubernetesOptions | undefined;
  readonly logger: Logger;
  /** Of all ports. Default: loopback, because the debug port tells everything and asks nobody who they are. */
  readonly host?: string | undefined;
  /** Of the debug port alone. Default: `host`. */
  readonly debugHost?: string | undefined;
  /** 0 takes a free port, here and below. Default 15010. */
  readonly xdsPort?: number | undefined;
  /** Default 15014. */
  readonly metricsPort?: number | undefined;
  /** Default 8080. */
  readonly debugPort?: number | undefined;
  /**
   * How many streams of clients begin in a second, a tenth of them at once. Others wait up to 10 s, and are sent away with
   * UNAVAILABLE if that would not do. Bounds what a restart costs, when all clients come back to be sent everything.
   * Default 100, as at most in istiod (`PILOT_MAX_REQUESTS_PER_SECOND`).
   */
  readonly streamsPerSecond?: number | undefined;
  /**
   * After this time, give or take a tenth, a client has to connect anew, so that several servers share the clients evenly.
   * Default 30 min, as in istiod (`--keepaliveMaxServerConnectionAge`).
   */
  readonly maxConnectionAgeMs?: number | undefined;
  /** How often clients that report their load do so. Default 10 s. */
  readonly loadReportIntervalMs?: number | undefined;
  /** Gives identities to workloads, and opens a TLS port for those who prove theirs. Default: none is opened. */
  readonly ca?: CaOptions | undefined;
  /** Judges objects before the API server of Kubernetes takes them. Needs `ca`. Default: no port is opened. */
  readonly webhook?: WebhookOptions | undefined;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string | undefined;
  /** Of objects that name none. Default `default`. */
  readonly defaultNamespace?: string | undefined;
  /** Where the policies of the whole mesh stand. Default `istio-system`. */
  readonly rootNamespace?: string | undefined;
  /** Of the identities that rules name. Default: that of `ca`, else `cluster.local`. */
  readonly trustDomain?: string | undefined;
}

export const defaultOptions = Object.freeze({
  host: '127.0.0.1',
  xdsPort: 15010,
  metricsPort: 15014,
  debugPort: 8080,
  streamsPerSecond: 100,
  maxConnectionAgeMs: 30 * 60_000,
});

/** 20 days: a tenth may be added, and timers of more than 24 days fire at once. */
export const longestAgeMs = 20 * 24 * 3_600_000;

/** @throws Error that names each option that is wrong */
export function checkOptions(options: ControlPlaneOptions): void {
  const { streamsPerSecond, maxConnectionAgeMs, trustDomain, webhook, ca } = options;
  const problems: string[] = [];
  if (webhook !== undefined && ca === undefined) problems.push('webhook needs ca, whose certificate it shows');
  if (streamsPerSecond !== undefined && !(streamsPerSecond > 0 && Number.isFinite(streamsPerSecond))) {
    problems.push(`streamsPerSecond is ${streamsPerSecond}: it must be a number above 0`);
  }
  if (maxConnectionAgeMs !== undefined && !(maxConnectionAgeMs > 0 && maxConnectionAgeMs <= longestAgeMs)) {
    problems.push(`maxConnectionAgeMs is ${maxConnectionAgeMs}: it must be above 0 and at most ${longestAgeMs}`);
  }
  for (const [name, value] of Object.entries({ trustDomain, 'ca.trustDomain': ca?.trustDomain })) {
    if (value !== undefined && !isTrustDomain(value)) {
      problems.push(
        `${name} is ${JSON.stringify(value)}: it must be of a-z, 0-9, ".", "-" and "_", such as example.org`,
      );
    }
  }
  const ofAuthority = ca && (ca.trustDomain ?? defaultCaOptions.trustDomain);
  if (trustDomain !== undefined && ofAuthority !== undefined && ofAuthority !== trustDomain) {
    problems.push(`trustDomain is ${trustDomain} and ca.trustDomain is ${ofAuthority}: give one of them`);
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
}
