import type { Issue } from '@inmesh/config';

/** The API server cuts what is longer (Kubernetes, admission webhooks). */
const longestWarning = 256;
const mostIssues = 10;

/** Undefined: there is none. */
export function describeErrors(issues: readonly Issue[]): string | undefined {
  const errors = issues.filter(isRefusal).map(describe);
  if (errors.length === 0) return undefined;
  const more = errors.length > mostIssues ? [`and ${errors.length - mostIssues} more`] : [];
  return [...errors.slice(0, mostIssues), ...more].join('; ');
}

export function describeWarnings(issues: readonly Issue[]): string[] {
  const warnings = issues.filter((issue) => !isRefusal(issue));
  const texts = warnings.map((issue) => {
    if (issue.missing === undefined) return describeWarning(issue);
    const { object } = issue.missing;
    return describeMissing(warnings.filter(({ missing }) => missing?.object === object));
  });
  return [...new Set(texts)].slice(0, mostIssues).map((text) => cut(text, longestWarning));
}

/** What an error of references holds up is the whole object: its last good content stays. */
function describeWarning(issue: Issue): string {
  if (issue.severity !== 'error' || issue.isReference !== true) return describe(issue);
  return describe({ ...issue, message: `${issue.message}: nothing of this change is in use until there is` });
}

/** One line for all that name it: most often it comes with the same `kubectl apply`. */
function describeMissing(issues: readonly Issue[]): string {
  const [first] = issues;
  const effects = new Set(issues.flatMap(({ missing }) => missing?.effect ?? []));
  const message = `${first?.missing?.object} is not there yet: until it is, ${[...effects].join(' and ')}`;
  return describe({ ...first!, message });
}

function isRefusal({ severity, isReference, field }: Issue): boolean {
  // The API server has a CRD of this kind and version, so they are newer than we are and no slip of the pen.
  return severity === 'error' && isReference !== true && field !== 'kind' && field !== 'apiVersion';
}

function describe({ field, message, hint }: Issue): string {
  return `${field === '' ? '' : `${field}: `}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
