import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import type { Call, CallEnd, CallRecorder, Telemetry } from '@inmesh/core';

/** Keeps what it is told, and runs handlers inside a context of its own. */
export class RecordingTelemetry implements Telemetry {
  readonly started: { call: Call; side: 'client' | 'server' }[] = [];
  readonly ended: CallEnd[] = [];
  /** The call whose handler is running, as this listener's own context tells it. */
  readonly context = new AsyncLocalStorage<Call>();
  readonly #events = new EventEmitter();

  callStarted(call: Call, side: 'client' | 'server'): CallRecorder {
    this.started.push({ call, side });
    return {
      run: (handler) => this.context.run(call, handler),
      callEnded: (_call, end) => {
        this.ended.push(end);
        this.#events.emit('ended');
      },
    };
  }

  async untilEnded(count: number): Promise<readonly CallEnd[]> {
    while (this.ended.length < count) await once(this.#events, 'ended');
    return this.ended;
  }
}
