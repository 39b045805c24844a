import { type Io, writeLine } from '../io.js';
import { percent } from './analysis/judge.js';
import type { CanaryEvent, Counts, RuleWeights, SummaryEvent, WindowCounts } from './events.js';

export type Emit = (event: CanaryEvent) => void;

/** One object a line, the last of them the summary. */
export function jsonReport({ out }: Io, now: () => number): Emit {
  return (event) => {
    if (isOfEveryLook(event)) return;
    writeLine(out, JSON.stringify({ time: new Date(now()).toISOString(), ...event }));
  };
}

/** Lines for people; on a terminal the last one lives. */
export function textReport({ out }: Io): Emit {
  const isLive = out.isTTY === true;
  let isShown = false;
  const clear = () => {
    if (isShown) out.write('\r\u001b[2K');
    isShown = false;
  };
  return (event) => {
    if (isOfEveryLook(event)) {
      if (!isLive) return;
      clear();
      out.write(progressOf(event));
      isShown = true;
      return;
    }
    clear();
    for (const line of linesOf(event)) writeLine(out, line);
  };
}

type OfEveryLook = Extract<CanaryEvent, { event: 'settling' | 'progress' }>;

function isOfEveryLook(event: CanaryEvent): event is OfEveryLook {
  return event.event === 'settling' || event.event === 'progress';
}

function progressOf(event: OfEveryLook): string {
  if (event.event === 'settling') return `settling: ${seconds(event.elapsedMs)} of ${seconds(event.settleMs)}`;
  return `${seconds(event.elapsedMs)} of ${seconds(event.intervalMs)}  ${formatCounts(event)}`;
}

function linesOf(event: Exclude<CanaryEvent, OfEveryLook>): string[] {
  switch (event.event) {
    case 'plan': {
      const { limits } = event;
      const latency = limits.latency === undefined ? '' : `, 99th percentile at most ${limits.latency}`;
      return [
        `${event.target}: to ${event.to}`,
        ...event.steps.map((step) => `  ${step.percent} %: ${formatWeights(step.weights)}`),
        ...(event.skipped.length === 0 ? [] : [`  skipped, it has as much already: ${event.skipped.join(', ')} %`]),
        `each settles for ${seconds(limits.settleMs)}, and is watched for ${seconds(limits.intervalMs)} and ${limits.minRequests} requests, by ${event.metrics}`,
        `at least ${percent(limits.successRate)} must succeed${latency}; back at once where that is no chance, or after ${limits.windows} windows`,
      ];
    }
    case 'started':
      return [`canary of ${event.target} to ${event.to}`];
    case 'resumed':
      return [`canary of ${event.target} to ${event.to}, resumed at ${event.percent} %`];
    case 'step':
      return [`${event.percent} %: ${formatWeights(event.weights)}`];
    case 'window':
      return [
        `  window ${event.window}: ${event.verdict}: ${formatCounts(event)}${event.reason ? `: ${event.reason}` : ''}`,
      ];
    case 'warning':
      return [`  warning: ${event.message}`];
    case 'summary':
      return [
        `${event.outcome.replace('_', ' ')} after ${event.seconds.toFixed(0)}s: ${whereabouts(event)}`,
        ...(event.reason === undefined ? [] : [event.reason]),
      ];
  }
}

function whereabouts({ weights, weightsRead }: SummaryEvent): string {
  if (weights.length === 0) return 'nothing was changed';
  return `${formatWeights(weights)}${weightsRead ? '' : ' (last known: it could not be read)'}`;
}

function formatCounts({ canary, stable }: WindowCounts): string {
  return `canary ${formatSide(canary)}, stable ${formatSide(stable)}`;
}

function formatSide({ requests, successRate, p99Ms }: Counts): string {
  const rate = successRate === null ? '' : ` ${percent(successRate)}`;
  const latency = p99Ms === null ? '' : ` p99 ${p99Ms} ms`;
  return `${requests} requests${rate}${latency}`;
}

function formatWeights(weights: readonly RuleWeights[]): string {
  const lines = weights.map((rule) =>
    Object.entries(rule.weights)
      .map(([name, weight]) => `${name}=${weight ?? '-'}`)
      .join(' '),
  );
  return [...new Set(lines)].join('; ');
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))}s`;
}
