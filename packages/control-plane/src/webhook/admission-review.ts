import { isRecord } from '../sources/kubernetes/records.js';

/** What of an AdmissionReview (admission.k8s.io/v1) is read. */
export interface AdmissionRequest {
  /** Goes back in the answer. */
  readonly uid: string;
  readonly operation: string;
  readonly namespace: string;
  readonly object: Readonly<Record<string, unknown>> | undefined;
  /** As it was before, of an UPDATE. */
  readonly oldObject: Readonly<Record<string, unknown>> | undefined;
}

export type Verdict =
  | { readonly allowed: true; readonly warnings: readonly string[] }
  | { readonly allowed: false; readonly warnings: readonly string[]; readonly message: string };

export type ParsedReview =
  | { readonly ok: true; readonly request: AdmissionRequest }
  | { readonly ok: false; readonly problem: string };

const apiVersion = 'admission.k8s.io/v1';
const kind = 'AdmissionReview';

export function parseReview(text: string): ParsedReview {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    return { ok: false, problem: 'the body is not JSON' };
  }
  if (!isRecord(review) || review.apiVersion !== apiVersion || review.kind !== kind) {
    return { ok: false, problem: `the body is not an AdmissionReview of ${apiVersion}` };
  }
  const { request } = review;
  if (!isRecord(request) || typeof request.uid !== 'string' || request.uid === '') {
    return { ok: false, problem: 'the AdmissionReview has no request.uid' };
  }
  const { uid, operation, namespace, object, oldObject } = request;
  return {
    ok: true,
    request: {
      uid,
      operation: typeof operation === 'string' ? operation : '',
      namespace: typeof namespace === 'string' ? namespace : '',
      object: isRecord(object) ? object : undefined,
      oldObject: isRecord(oldObject) ? oldObject : undefined,
    },
  };
}

/** kubectl writes `status.message` behind `admission webhook "NAME" denied the request:`, and each warning on a line. */
export function formatReview(uid: string, verdict: Verdict): string {
  const { allowed, warnings } = verdict;
  const status = verdict.allowed ? undefined : { code: 422, reason: 'Invalid', message: verdict.message };
  const response = { uid, allowed, ...(status && { status }), ...(warnings.length > 0 && { warnings }) };
  return JSON.stringify({ apiVersion, kind, response });
}
