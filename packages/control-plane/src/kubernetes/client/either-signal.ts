/**
 * Aborted with the first of the two. `AbortSignal.any` would hold all its results for as long as the longer of them lives
 * (Node 20).
 */
export function eitherOf(
  one: AbortSignal | undefined,
  other: AbortSignal,
): { readonly signal: AbortSignal; readonly release: () => void } {
  const abort = new AbortController();
  const release = () => {
    one?.removeEventListener('abort', end);
    other.removeEventListener('abort', end);
  };
  const end = () => {
    release();
    abort.abort();
  };
  one?.addEventListener('abort', end);
  other.addEventListener('abort', end);
  if (one?.aborted || other.aborted) end();
  return { signal: abort.signal, release };
}
