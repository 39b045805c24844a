import { type ServedKind, servedKinds } from '@inmesh/xds';
import type { ClusterLoad } from '@inmesh/xds/server';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type CertificateMetrics, certificateMetrics } from './ca/certificate-metrics.js';
import type { ConfigState } from './config-state.js';
import { loadMetrics } from './load-metrics.js';
import { reviewMetrics } from './webhook/review-metrics.js';
import type { ReviewResult } from './webhook/webhook-port.js';

export type PushedType = ServedKind | 'other';

/** Everything that the metrics port tells. */
export interface ServerMetrics extends CertificateMetrics {
  readonly contentType: string;
  countPush(type: PushedType): void;
  countNack(type: PushedType): void;
  /** A stream that came too fast after others. */
  countRefusedStream(): void;
  countLoad(load: ClusterLoad): void;
  countReview(result: ReviewResult): void;
  setState(state: ConfigState, newlyRefused: number): void;
  text(): Promise<string>;
}

/**
 * @param countClients how many streams are open now
 * @param countRefusedViews for how many kinds of clients the configuration cannot be used
 */
export function createMetrics(countClients: () => number, countRefusedViews: () => number): ServerMetrics {
  // From here on it counts the time of the processor.
  const ofProcess = processMetrics();
  const registry = new Registry();
  const registers = [registry];
  const pushes = new Counter({
    name: 'inmesh_config_pushes_total',
    help: 'Responses sent to clients, by resource type.',
    labelNames: ['type'],
    registers,
  });
  const nacks = new Counter({
    name: 'inmesh_xds_nacks_total',
    help: 'Responses that a client refused, by resource type.',
    labelNames: ['type'],
    registers,
  });
  const refusedStreams = new Counter({
    name: 'inmesh_xds_streams_refused_total',
    help: 'Discovery streams that were sent away because too many began at once.',
    registers,
  });
  for (const type of servedKinds) for (const counter of [pushes, nacks]) counter.inc({ type }, 0);
  new Gauge({
    name: 'inmesh_xds_clients',
    help: 'Discovery streams that are open; a client may have several.',
    registers,
    collect() {
      this.set(countClients());
    },
  });
  new Gauge({
    name: 'inmesh_config_refused_views',
    help: 'Kinds of clients that are not sent the newest configuration, since theirs is wrong.',
    registers,
    collect() {
      this.set(countRefusedViews());
    },
  });
  return {
    contentType: registry.contentType,
    countPush: (type) => pushes.inc({ type }),
    countNack: (type) => nacks.inc({ type }),
    countRefusedStream: () => refusedStreams.inc(),
    countLoad: loadMetrics(registers),
    countReview: reviewMetrics(registers),
    setState: configMetrics(registers),
    ...certificateMetrics(registers),
    text: () => Registry.merge([registry, ofProcess]).metrics(),
  };
}

function configMetrics(registers: Registry[]): ServerMetrics['setState'] {
  const refusedTotal = new Counter({
    name: 'inmesh_config_refused_total',
    help: 'File contents that were refused; their last good content stayed in use.',
    registers,
  });
  const issues = new Gauge({
    name: 'inmesh_config_issues',
    help: 'Issues of the files as they are now.',
    labelNames: ['severity'],
    registers,
  });
  const acceptedAt = new Gauge({
    name: 'inmesh_config_last_accepted_timestamp_seconds',
    help: 'When files were last accepted; 0 before the first time.',
    registers,
  });
  return (state, newlyRefused) => {
    refusedTotal.inc(newlyRefused);
    for (const severity of ['error', 'warning'] as const) {
      issues.set({ severity }, state.issues.filter((issue) => issue.severity === severity).length);
    }
    acceptedAt.set((state.served?.acceptedAtMs ?? 0) / 1000);
  };
}

let processRegistry: Registry | undefined;

/** One for the process: prom-client never takes its observers of the garbage collector down again. */
function processMetrics(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}
