import { isRecord } from './objects.js';
import type { SourceFile } from './source-file.js';

const mark = 'stand-in ';

/**
 * What is used of an object of a cluster when nothing of it can be: nothing at all, but for an AuthorizationPolicy one that
 * allows nothing where it stands, and for a PeerAuthentication STRICT. To leave them out would be to open what somebody meant
 * to close (Istio, too, fails closed).
 */
export function standInFor(file: SourceFile | undefined): SourceFile | undefined {
  // Where it does not help either, the selector is what is broken.
  if (file?.object === undefined || isStandIn(file)) return undefined;
  const { apiVersion, kind, metadata, spec } = file.object;
  const { action, selector, targetRef, targetRefs } = isRecord(spec) ? spec : {};
  const closed = closedOf(kind);
  if (closed === undefined || action === 'AUDIT') return undefined;
  const where = { ...(selector !== undefined && { selector }), ...(targetRef !== undefined && { targetRef }) };
  const target = { ...where, ...(targetRefs !== undefined && { targetRefs }) };
  const object = { apiVersion, kind, metadata, spec: { ...target, ...closed } };
  return { path: file.path, text: `${mark}${JSON.stringify(object)}`, object };
}

function closedOf(kind: unknown): object | undefined {
  if (kind === 'AuthorizationPolicy') return {};
  return kind === 'PeerAuthentication' ? { mtls: { mode: 'STRICT' } } : undefined;
}

export function isStandIn({ text, object }: SourceFile): boolean {
  return object !== undefined && text.startsWith(mark);
}
