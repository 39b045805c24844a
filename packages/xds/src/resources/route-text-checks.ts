import { create } from '@bufbuild/protobuf';
import { RegexMatchAndSubstituteSchema } from '../messages.js';
import { FieldScope } from './field-scope.js';
import { parseHeaderValue } from './header-value-template.js';
import { decodeRegexRewrite } from './regex-rewrite.js';

/** What is wrong with the value of a header to write, as `%REQ(x)` without an end; undefined when it is right. */
export function headerValueProblem(value: string): string | undefined {
  const result = parseHeaderValue(value);
  return typeof result === 'string' ? result : undefined;
}

/** What is wrong with a substitution for an expression that is right, as `\2` where there is one group. */
export function substitutionProblem(regex: string, substitution: string): string | undefined {
  const message = create(RegexMatchAndSubstituteSchema, { pattern: { regex }, substitution });
  const result = FieldScope.collect((at) => decodeRegexRewrite(message, at));
  return result.ok ? undefined : result.errors[0]?.message;
}
