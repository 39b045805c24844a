import type { KubernetesObject } from './objects.js';
import { KubernetesError, type KubernetesProblem, problemOfStatus, type Status } from './problem.js';

export type WatchEvent<T extends KubernetesObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing has changed up to here, of what is watched. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  | { readonly type: 'ERROR'; readonly problem: KubernetesProblem };

/** etcd keeps nothing above 1.5 MB; an aggregated API may, but not this. */
const longestLine = 64 * 1024 * 1024;

/**
 * The events of each piece that arrives, together. The half line that a cut leaves behind is forgotten: its event comes
 * again to whoever goes on from the one before it.
 * @throws KubernetesError for what is no watch event
 */
export async function* watchEvents<T extends KubernetesObject>(
  body: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<readonly WatchEvent<T>[]> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const piece of untilCut(body, where)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw broken(where, 'sends an event without an end');
    const events = lines.filter((line) => line.trim() !== '').map((line) => readEvent<T>(line, where));
    if (events.length > 0) yield events;
  }
}

/** What the consumer of the loop throws is not caught here: it is thrown there. */
async function* untilCut(body: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new KubernetesError({ kind: 'unreachable', message: `${where} was cut: ${(error as Error).message}` });
  }
}

function readEvent<T extends KubernetesObject>(line: string, where: string): WatchEvent<T> {
  let event: { readonly type?: unknown; readonly object?: unknown } | null;
  try {
    event = JSON.parse(line) as typeof event;
  } catch {
    throw broken(where, 'sends what is not JSON');
  }
  const object = event?.object;
  if (typeof object !== 'object' || object === null) throw broken(where, 'sends an event without an object');
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (typeof (object as Partial<T>).metadata?.name !== 'string')
        throw broken(where, 'sends an object without a name');
      return { type: event.type, object: object as T };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: (object as Partial<T>).metadata?.resourceVersion ?? '' };
    case 'ERROR': {
      const { code } = object as Status;
      return { type: 'ERROR', problem: problemOfStatus(typeof code === 'number' ? code : 500, object, where) };
    }
    default:
      throw broken(where, 'sends an event of a type that is unknown');
  }
}

function broken(where: string, what: string): KubernetesError {
  return new KubernetesError({ kind: 'failed', code: 200, reason: undefined, message: `${where} ${what}` });
}
