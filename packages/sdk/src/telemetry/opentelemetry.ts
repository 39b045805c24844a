import type { AttemptRecorder, Call, CallEnd, CallRecorder } from '@inmesh/core';
import { type TracerProvider, trace } from '@opentelemetry/api';
import type { Logger } from '../logger.js';
import { ClientSpan } from './client-spans.js';
import { tracerName } from './names.js';
import type { TelemetryPlugin } from './plugin.js';
import { ServerSpan } from './server-spans.js';

export interface OpenTelemetryOptions {
  /** Default: the global one, also when it is registered later. */
  readonly tracerProvider?: TracerProvider;
}

/**
 * Spans of every call that this process makes and answers, and the trace context in their headers: the registered
 * propagator's, else W3C's. Without an OpenTelemetry SDK an incoming trace is passed on as it came.
 */
export function opentelemetry({ tracerProvider }: OpenTelemetryOptions = {}): TelemetryPlugin {
  return {
    create({ logger }) {
      const tracer = (tracerProvider ?? trace).getTracer(tracerName);
      const start = (call: Call, side: 'client' | 'server') =>
        side === 'client' ? new ClientSpan(tracer, call) : new ServerSpan(tracer, call);
      const shield = new Shield(logger);
      return {
        callStarted(call, side) {
          const span = shield.run(() => start(call, side));
          return span === undefined ? nothing : new ShieldedRecorder(span, shield);
        },
      };
    },
  };
}

const nothing: CallRecorder = Object.freeze({ callEnded() {} });

/** Samplers and span processors are the user's code, and the call path asks of telemetry that it never throws. */
class Shield {
  #told = false;

  constructor(private readonly logger: Logger) {}

  run<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#tellOnce(error);
      return undefined;
    }
  }

  /** Once: what fails, fails at every call. */
  #tellOnce(error: unknown): void {
    if (this.#told) return;
    this.#told = true;
    this.logger.error('OpenTelemetry failed; calls go on without spans', { error });
  }
}

class ShieldedRecorder implements CallRecorder {
  constructor(
    private readonly inner: ClientSpan | ServerSpan,
    private readonly shield: Shield,
  ) {}

  attemptStarted(call: Call): AttemptRecorder | undefined {
    const { inner, shield } = this;
    if (inner instanceof ServerSpan) return undefined;
    const attempt = shield.run(() => inner.attemptStarted(call));
    if (attempt === undefined) return undefined;
    return { attemptEnded: (ended, end) => shield.run(() => attempt.attemptEnded(ended, end)) };
  }

  /** What the handler throws is the handler's. */
  run<T>(handler: () => T): T {
    return this.inner instanceof ServerSpan ? this.inner.run(handler) : handler();
  }

  callEnded(call: Call, end: CallEnd): void {
    this.shield.run(() => this.inner.callEnded(call, end));
  }
}
