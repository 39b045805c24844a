/** With more mistakes nobody could say any more what was meant. It also limits the time: names are up to 253 characters long. */
const mostMistakes = 3;

/** The candidate that `written` was most likely meant to be: at most a third of it is wrong, or one character. Undefined when none is close. */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = mostMistakes + 1;
  const wanted = written.toLowerCase();
  for (const candidate of candidates) {
    const name = candidate.toLowerCase();
    const ownLength = wanted.length - commonDomain(wanted, name);
    const limit = Math.min(bestDistance, Math.max(1, Math.floor(ownLength / 3)) + 1);
    if (Math.abs(name.length - wanted.length) >= limit) continue;
    const distance = editDistance(wanted, name, limit);
    if (distance < limit) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** How long the ending is that both have, from a dot on: it tells nothing, as all hosts of a namespace have it. */
function commonDomain(a: string, b: string): number {
  let length = 0;
  for (let end = 1; end <= a.length && a[a.length - end] === b[b.length - end]; end += 1) {
    if (a[a.length - end] === '.') length = end;
  }
  return length;
}

export function didYouMean(written: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(written, candidates);
  return found === undefined ? undefined : `did you mean "${found}"?`;
}

/**
 * Insertions, deletions and replacements of one character, and two neighbours in the wrong order. From `limit` on it is only
 * known that it is not less.
 */
function editDistance(left: string, right: string, limit: number): number {
  const [a, b] = withoutCommonEnds(left, right);
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = new Array<number>(b.length + 1).fill(limit);
    next[0] = i;
    // Farther from the diagonal it takes `limit` insertions or deletions alone.
    const [from, to] = [Math.max(1, i - limit), Math.min(b.length, i + limit)];
    let least = i;
    for (let j = from; j <= to; j += 1) {
      let distance = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      distance = Math.min(distance, row[j]! + 1, next[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        distance = Math.min(distance, before[j - 2]! + 1);
      next[j] = distance;
      least = Math.min(least, distance);
    }
    // Two neighbours in the wrong order look back by two rows, and cost one.
    if (least > limit) return limit;
    [before, row] = [row, next];
  }
  return row[b.length]!;
}

/** Hosts of one namespace differ in a few of their first characters. */
function withoutCommonEnds(a: string, b: string): [string, string] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}
