/** Something to say about a configuration. An error means that the file it is in should not be used. */
export interface Issue {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1; 0 for an object of a cluster, which has no lines. */
  readonly line: number;
  /** From 1, or 0 likewise. */
  readonly column: number;
  /** `VirtualService default/reviews`; empty for what is no object. */
  readonly object: string;
  /** `spec.http[0].route[1].weight`; empty for the object as a whole. */
  readonly field: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Another object is missing or does not fit: the one at fault may be that one, or may still be to come. */
  readonly isReference?: true;
  /** The object that is not there, `Service cart`, and what follows for as long as it is not. */
  readonly missing?: { readonly object: string; readonly effect: string };
}

/**
 * `vs.yaml:9:7: error: VirtualService default/reviews: spec.http[0].route[1].weight: must not be negative (hint)`. An object
 * of a cluster is its own file: `VirtualService/default/reviews: error: spec.http[0].route[1].weight: must not be negative`.
 */
export function formatIssue({ severity, file, line, column, object, field, message, hint }: Issue): string {
  const place = line === 0 ? [file, severity] : [`${file}:${line}:${column}`, severity, object];
  const parts = [...place, field, message].filter((part) => part !== '');
  return `${parts.join(': ')}${hint === undefined ? '' : ` (${hint})`}`;
}

/** Where issues are said. */
export interface IssueSink {
  add(issue: Issue): void;
}

/** Collects issues. One that is found again, as for each port that a rule applies to, is said once. */
export class IssueList implements IssueSink {
  readonly #issues = new Map<string, Issue>();

  add(issue: Issue): void {
    const key = formatIssue(issue);
    if (!this.#issues.has(key)) this.#issues.set(key, issue);
  }

  sorted(): Issue[] {
    return sortIssues([...this.#issues.values()]);
  }
}

/** By file and line, so that equal input gives equal output. */
export function sortIssues(issues: readonly Issue[]): Issue[] {
  return [...issues].sort(byPlace);
}

function byPlace(a: Issue, b: Issue): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column || (formatIssue(a) < formatIssue(b) ? -1 : 1);
}
