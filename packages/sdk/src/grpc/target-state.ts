import type { MeshSnapshot } from '@inmesh/core';
import type { CallContext } from './client-call.js';
import type { GrpcChannel } from './grpc-js.js';
import type { GrpcTarget } from './target.js';

export type ConnectivityState = ReturnType<GrpcChannel['getConnectivityState']>;

const idle: ConnectivityState = 0;
const connecting: ConnectivityState = 1;
const ready: ConnectivityState = 2;
const failing: ConnectivityState = 3;

/** READY where some cluster that the target's routes lead to has an endpoint that takes calls. */
export function targetState({ internals, prepare, target }: CallContext, tryToConnect: boolean): ConnectivityState {
  const { current } = internals.snapshots;
  const state = stateIn(current, target);
  if (state === ready || !tryToConnect) return state;
  const preparing = tryPrepare(prepare, target);
  return preparing === undefined ? stateIn(internals.snapshots.current, target) : connecting;
}

/** Calls back once when the state is another one, or with an error at the deadline (in ms since 1970). */
export function watchTargetState(
  context: CallContext,
  from: ConnectivityState,
  deadline: number,
  callback: (error?: Error) => void,
): void {
  const { clock, snapshots } = context.internals;
  const finish = (error?: Error) => {
    stop();
    timer?.cancel();
    callback(error);
  };
  const stop = snapshots.onChange(() => {
    if (targetState(context, false) !== from) finish();
  });
  const leftMs = Math.max(0, deadline - Date.now());
  const late = () => finish(new Error('Deadline passed without connectivity state change'));
  const timer = leftMs === Number.POSITIVE_INFINITY ? undefined : clock.setTimer(leftMs, late);
  // It may have changed between the question for the state and this one.
  if (targetState(context, false) !== from && from !== connecting) process.nextTick(finish);
}

function stateIn(snapshot: MeshSnapshot, { scheme, authority }: GrpcTarget): ConnectivityState {
  const host = snapshot.resolve(scheme, authority)?.virtualHost?.virtualHost;
  if (host === undefined) return idle;
  const names = host.routes.flatMap(({ action }) =>
    action.kind === 'forward' ? action.targets.map(({ cluster }) => cluster) : [],
  );
  const isServed = names.some((name) =>
    snapshot.clusters.get(name)?.endpoints.some(({ endpoint }) => endpoint.health === 'healthy'),
  );
  return isServed ? ready : failing;
}

/** A mesh that is closed has nothing to make ready. */
function tryPrepare(prepare: CallContext['prepare'], { scheme, authority }: GrpcTarget): Promise<void> | undefined {
  try {
    const preparing = prepare(scheme, authority);
    preparing?.catch(() => {});
    return preparing;
  } catch {
    return undefined;
  }
}
