import type { Call } from '../call.js';
import type { AuthorityRewrite } from '../model/route.js';
import { withoutQuery } from './path-matcher.js';

/** The action's before the target's: Envoy writes the host of a weighted cluster first, so the route has the last word. */
export function authorityRewriteOf({ target, action }: Call): AuthorityRewrite | undefined {
  return action?.authorityRewrite ?? target?.authorityRewrite;
}

/** What the upstream sees as host; undefined to leave it, and where the endpoint decides. Looks at the path as it came. */
export function authorityFor(call: Call): string | undefined {
  const { target, action } = call;
  const ofAction = action?.authorityRewrite && rewrittenAuthority(action.authorityRewrite, call);
  return ofAction ?? (target?.authorityRewrite && rewrittenAuthority(target.authorityRewrite, call));
}

function rewrittenAuthority(rewrite: AuthorityRewrite, call: Call): string | undefined {
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
