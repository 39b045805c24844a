import type { HttpMatch, TextMatch } from '../schema/virtual-service.js';

type Texts = Readonly<Record<string, TextMatch>>;

/**
 * The entries that both rules hold for. Each of the delegated rule has to be narrower than one of the delegating rule, else
 * the rules are in conflict: undefined (Istio `mergeHTTPMatchRequests`).
 */
export function joinMatches(root: readonly HttpMatch[], delegated: readonly HttpMatch[]): HttpMatch[] | undefined {
  if (root.length === 0) return [...delegated];
  if (delegated.length === 0) return [...root];
  const joined = delegated.map((leaf) =>
    root.filter((entry) => !isInConflict(entry, leaf)).map((entry) => join(entry, leaf)),
  );
  return joined.some((entries) => entries.length === 0) ? undefined : joined.flat();
}

function join(root: HttpMatch, leaf: HttpMatch): HttpMatch {
  const name =
    root.name === undefined || leaf.name === undefined ? (leaf.name ?? root.name) : `${root.name}-${leaf.name}`;
  return {
    ...root,
    ...leaf,
    ...(name !== undefined && { name }),
    headers: { ...root.headers, ...leaf.headers },
    withoutHeaders: { ...root.withoutHeaders, ...leaf.withoutHeaders },
    queryParams: { ...root.queryParams, ...leaf.queryParams },
    sourceLabels: { ...root.sourceLabels, ...leaf.sourceLabels },
    gateways: leaf.gateways === undefined || leaf.gateways.length === 0 ? (root.gateways ?? []) : leaf.gateways,
  };
}

const texts = ['uri', 'scheme', 'method', 'authority'] as const;
const maps = ['headers', 'withoutHeaders', 'queryParams'] as const;

function isInConflict(root: HttpMatch, leaf: HttpMatch): boolean {
  if (texts.some((field) => !isWithin(root[field], leaf[field]))) return true;
  if (maps.some((field) => !areWithin(root[field], leaf[field]))) return true;
  if ((root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false)) return true;
  return root.port !== undefined && leaf.port !== undefined && root.port !== leaf.port;
}

function areWithin(root: Texts = {}, leaf: Texts = {}): boolean {
  return Object.keys(leaf).every((key) => isWithin(Object.hasOwn(root, key) ? root[key] : undefined, leaf[key]));
}

/** Of two expressions nobody can say which is the narrower one, so one beside anything else is a conflict. */
function isWithin(root: TextMatch | undefined, leaf: TextMatch | undefined): boolean {
  if (root === undefined || leaf === undefined) return true;
  if (root.regex !== undefined || leaf.regex !== undefined) return false;
  if (root.exact !== undefined) return leaf.exact === root.exact;
  return root.prefix !== undefined && (leaf.exact ?? leaf.prefix ?? '').startsWith(root.prefix);
}
