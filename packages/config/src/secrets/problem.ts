import type { FieldPath } from '../objects.js';
import type { Place } from '../place.js';

/** What is wrong with a Secret. The message never has any of its values in it. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly path: FieldPath;
  readonly message: string;
  readonly hint?: string | undefined;
}

export function sayProblem({ severity, path, message, hint }: Problem, place: Place): void {
  const at = place.at(...path);
  if (severity === 'error') at.error(message, hint);
  else at.warn(message, hint);
}
