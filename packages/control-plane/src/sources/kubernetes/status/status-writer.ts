import type { Issue } from '@inmesh/config';
import type { Clock } from '@inmesh/core';
import type { KubernetesClient } from '../../../kubernetes/client/client.js';
import type { ResourceType } from '../../../kubernetes/client/objects.js';
import { type KubernetesProblem, problemOf } from '../../../kubernetes/client/problem.js';
import { missingRule } from '../../../kubernetes/rbac-rule.js';
import type { Logger } from '../../../logger.js';
import type { ClusterObject } from '../cluster-object.js';
import { istioStatus } from './istio-status.js';
import { policyStatus } from './policy-status.js';
import { routeStatus } from './route-status.js';
import { StatusQueue } from './status-queue.js';

/** What is thought of an object as it was when it was translated. */
export interface Judged {
  readonly type: ResourceType;
  readonly object: ClusterObject;
  readonly issues: readonly Issue[];
}

interface Settled {
  readonly judged: Judged;
  readonly verdict: string;
}

export interface StatusWriterOptions {
  readonly client: Pick<KubernetesClient, 'patch'>;
  readonly clock: Clock;
  /** Wall clock, in ms. */
  readonly now: () => number;
  readonly controllerName: string;
  /** The object as it is now. */
  readonly current: (path: string) => ClusterObject | undefined;
  readonly logger: Logger;
}

/** 20 in a second at most; what somebody else has changed under way is looked at again after a second. */
const pauseMs = 50;
const retryMs = 1000;

/**
 * Writes into the status of objects what is thought of them, for as long as this is the leader. It writes an object once for
 * each verdict on each of its generations: whoever else writes there has the last word, and no two of them go on for ever.
 */
export class StatusWriter {
  readonly #judged = new Map<string, Judged>();
  /** By path, what was written, or was there already. */
  readonly #settled = new Map<string, Settled>();
  readonly #forbidden = new Set<string>();
  #queue: StatusQueue | undefined;

  constructor(private readonly options: StatusWriterOptions) {}

  /** All that there is, with each translation. */
  judge(judged: ReadonlyMap<string, Judged>): void {
    for (const path of this.#judged.keys()) if (!judged.has(path)) this.#settled.delete(path);
    this.#judged.clear();
    for (const [path, one] of judged) this.#judged.set(path, one);
    this.#queue?.add(this.#unsettled());
  }

  start(): void {
    const { clock } = this.options;
    this.#queue = new StatusQueue({ clock, pauseMs, retryMs, write: (path, signal) => this.#write(path, signal) });
    this.#queue.add(this.#unsettled());
  }

  /** Nothing is written from now on. What another leader has written meanwhile is not known to the next start. */
  async stop(): Promise<void> {
    const queue = this.#queue;
    this.#queue = undefined;
    this.#settled.clear();
    await queue?.close();
  }

  #unsettled(): string[] {
    return [...this.#judged].filter(([path, one]) => !this.#isSettled(path, one)).map(([path]) => path);
  }

  #isSettled(path: string, judged: Judged): boolean {
    const settled = this.#settled.get(path);
    if (settled?.judged === judged) return true;
    if (settled?.verdict !== verdictOf(judged)) return false;
    this.#settle(path, judged);
    return true;
  }

  #settle(path: string, judged: Judged): void {
    this.#settled.set(path, { judged, verdict: verdictOf(judged) });
  }

  async #write(path: string, signal: AbortSignal): Promise<boolean> {
    const judged = this.#judged.get(path);
    const object = this.options.current(path);
    // Of a newer generation there will be another verdict.
    if (judged === undefined || object === undefined || !isSameGeneration(object, judged.object)) return false;
    const { metadata } = object;
    let left = 0;
    const status = this.#statusOf({ ...judged, object }, (count) => {
      left = count;
    });
    if (isWithin(status, object.status)) {
      this.#settle(path, judged);
      return false;
    }
    try {
      // With its version the API server refuses it when somebody else was quicker.
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, status };
      await this.options.client.patch(
        inVersionOf(object, judged.type),
        metadata,
        { kind: 'merge', body },
        { subresource: 'status', signal },
      );
      this.#settle(path, judged);
      if (left > 0) this.options.logger.warn(`the status of ${path} has no place for ${left} more of our entries`);
      return false;
    } catch (error) {
      return this.#afterFailure(problemOf(error), path, judged);
    }
  }

  #statusOf({ type, object, issues }: Judged, onCut: (left: number) => void): Record<string, unknown> {
    const { now, controllerName } = this.options;
    if (type.kind === 'BackendTLSPolicy') return policyStatus(object, issues, controllerName, now(), onCut);
    return type.group === 'gateway.networking.k8s.io'
      ? routeStatus(object, issues, controllerName, now(), onCut)
      : istioStatus(object, issues, now());
  }

  #afterFailure(problem: KubernetesProblem, path: string, judged: Judged): boolean {
    if (problem.kind === 'not_found') return false;
    const isPassing = ['conflict', 'busy', 'timeout', 'unreachable', 'unauthorized', 'gone'].includes(problem.kind);
    if (isPassing) return this.#queue !== undefined;
    this.#settle(path, judged);
    this.#say(problem, path, judged);
    return false;
  }

  /** Of a right that is missing once for each kind. */
  #say({ kind, message }: KubernetesProblem, path: string, { type }: Judged): void {
    const { logger } = this.options;
    if (kind !== 'forbidden') {
      logger.warn(`the status of ${path} cannot be written: ${message}`);
    } else if (!this.#forbidden.has(type.kind)) {
      this.#forbidden.add(type.kind);
      const rule = missingRule({ ...type, plural: `${type.plural}/status` }, ['patch']);
      logger.warn(`the status of ${type.plural} may not be written: ${rule}`);
    }
  }
}

/** What it is read in is there to be written in, too. */
function inVersionOf({ apiVersion }: ClusterObject, type: ResourceType): ResourceType {
  return { ...type, version: apiVersion?.split('/').at(-1) ?? type.version };
}

function isSameGeneration(a: ClusterObject, b: ClusterObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.generation === b.metadata.generation;
}

function verdictOf({ object, issues }: Judged): string {
  const said = issues.map(({ severity, field, message }) => `${severity} ${field} ${message}`);
  return JSON.stringify([object.metadata.uid, object.metadata.generation, said]);
}

/** Whether all of it is there already. */
function isWithin(wanted: Readonly<Record<string, unknown>>, status: unknown): boolean {
  const known = (status ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(wanted).every(([name, value]) => isEqual(value, known[name] ?? []));
}

function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => isEqual((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
}
