/** Why the API server did not do what it was asked for (Status of meta/v1). Nothing that was sent is in it. */
export type KubernetesProblem = { readonly message: string } & (
  | { readonly kind: 'unreachable' }
  /** It was given up after this time. */
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'forbidden' }
  /** `object`: this one is missing. `type`: the API server knows no such path, so no such kind. */
  | { readonly kind: 'not_found'; readonly what: 'object' | 'type' }
  /** Somebody was quicker: read it anew. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'already_exists' }
  /** The resourceVersion or continue token is too old: list anew. */
  | { readonly kind: 'gone' }
  /** The request is wrong, and wrong again when it is repeated. */
  | { readonly kind: 'invalid'; readonly causes: readonly string[] }
  /** It cannot now (429, 5xx). `retryAfterMs` is what it asks to wait for. */
  | { readonly kind: 'busy'; readonly code: number; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'failed'; readonly code: number; readonly reason: string | undefined }
);

export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';

  constructor(readonly problem: KubernetesProblem) {
    super(problem.message);
  }
}

/** Anything else that is thrown is a defect, and is thrown on. */
export function problemOf(error: unknown): KubernetesProblem {
  if (error instanceof KubernetesError) return error.problem;
  throw error;
}

export function isProblem(error: unknown, kind: KubernetesProblem['kind']): boolean {
  return error instanceof KubernetesError && error.problem.kind === kind;
}

/** What of a Status is read. */
export interface Status {
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly causes?: unknown; readonly retryAfterSeconds?: unknown } | null;
}

const longestMessage = 1000;

/**
 * @param where for the message: method and path, without query
 * @param retryAfter the header, in seconds; the Status has a field for it too
 */
export function problemOfStatus(
  code: number,
  status: Status | undefined,
  where: string,
  retryAfter?: string | undefined,
): KubernetesProblem {
  const said = typeof status?.message === 'string' ? `: ${status.message.slice(0, longestMessage)}` : '';
  const message = `${where} was answered with ${code}${said}`;
  const reason = typeof status?.reason === 'string' ? status.reason : undefined;
  switch (code) {
    case 401:
      return { kind: 'unauthorized', message };
    case 403:
      return { kind: 'forbidden', message };
    case 404:
      // Only a Status with details is about an object; an unknown path is answered in plain text, or with a Status of none.
      return { kind: 'not_found', what: isAboutObject(status) ? 'object' : 'type', message };
    case 409:
      return { kind: reason === 'AlreadyExists' ? 'already_exists' : 'conflict', message };
    case 410:
      return { kind: 'gone', message };
    case 400:
    case 422:
      return { kind: 'invalid', causes: causesOf(status), message };
    default:
      return code === 429 || code >= 500
        ? { kind: 'busy', code, retryAfterMs: retryAfterMs(status, retryAfter), message }
        : { kind: 'failed', code, reason, message };
  }
}

function isAboutObject(status: Status | undefined): boolean {
  const name = (status?.details as { name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' && name !== '';
}

function causesOf(status: Status | undefined): readonly string[] {
  const causes = status?.details?.causes;
  if (!Array.isArray(causes)) return [];
  return causes.map((cause: { field?: unknown; message?: unknown } | null) =>
    [cause?.field, cause?.message].filter((part) => typeof part === 'string').join(': '),
  );
}

function retryAfterMs(status: Status | undefined, header: string | undefined): number | undefined {
  // Kubernetes sends seconds, never a date.
  const seconds = header === undefined ? status?.details?.retryAfterSeconds : Number(header);
  return typeof seconds === 'number' && seconds >= 0 && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}
