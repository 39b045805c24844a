import { type FieldError, formatResourceError, type ResourceError } from '../resources/decode-result.js';

/** A server that takes messages of 4 MB only, gRPC's default, must be able to read a refusal of everything. */
const maxRefusalLength = 256 * 1024;

/** What is wrong, one line for each resource. */
export function formatRefusal(errors: readonly ResourceError[]): string {
  const lines: string[] = [];
  let length = 0;
  for (const error of errors) {
    const line = formatResourceError(error).slice(0, maxRefusalLength);
    length += line.length + 1;
    if (length > maxRefusalLength && lines.length > 0)
      return [...lines, `and ${errors.length - lines.length} more`].join('\n');
    lines.push(line);
  }
  return lines.join('\n');
}

export interface WarningSummary {
  /** Without indexes. */
  readonly field: string;
  readonly message: string;
  readonly resources: number;
  /** The name of one of them. */
  readonly example: string;
}

/** One entry for each field: the same one is often set in thousands of resources. */
export function summarizeWarnings(
  warned: readonly { readonly name: string; readonly warnings: readonly FieldError[] }[],
): WarningSummary[] {
  const byField = new Map<string, { message: string; names: Set<string> }>();
  for (const { name, warnings } of warned) {
    for (const { path, message } of warnings) {
      const field = path.replaceAll(/\[\d+\]/g, '');
      const summary = byField.get(field) ?? { message, names: new Set<string>() };
      byField.set(field, summary);
      summary.names.add(name);
    }
  }
  return [...byField].map(([field, { message, names }]) => {
    const [example = ''] = names;
    return { field, message, resources: names.size, example };
  });
}
