import { hideKeys } from '@inmesh/xds';
import type { Issue } from './issues.js';

/** An issue that quotes no key, wherever it stands: as a word that the parser did not expect, as the name of a field. */
export function withoutKeys(issue: Issue): Issue {
  const { object, field, message, hint } = issue;
  return {
    ...issue,
    object: hideKeys(object),
    field: hideKeys(field),
    message: hideKeys(message),
    ...(hint !== undefined && { hint: hideKeys(hint) }),
  };
}
