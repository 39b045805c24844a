import type { Call } from '../call.js';
import type { AuthorityRewrite } from '../model/route.js';
import { withoutQuery } from './path-matcher.js';

/** The target's before the action's. */
export function authorityRewriteOf({ target, action }: Call): AuthorityRewrite | undefined {
  return target?.authorityRewrite ?? action?.authorityRewrite;
}

/** What the upstream sees as host; undefined to leave it, and where the endpoint decides. Looks at the path as it came. */
export function rewrittenAuthority(rewrite: AuthorityRewrite, call: Call): string | undefined {
  switch (rewrite.kind) {
    case 'literal':
      return rewrite.value;
    case 'header':
      return call.headers.get(rewrite.name) || undefined;
    case 'pathRegex':
      return rewrite.rewrite.rewrite(withoutQuery(call.path)) || undefined;
    case 'endpoint':
      return undefined;
  }
}
