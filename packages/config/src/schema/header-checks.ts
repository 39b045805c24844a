import { headerValueProblem } from '@inmesh/xds';
import { type Check, text } from './field.js';

const token = /^[\w!#$%&'*+.^`|~-]+$/;

/** Names of headers that a rule may write or remove (Istio `ValidateHTTPHeaderOperationName`). */
export const writableHeaderProblem: Check<string> = (name) => {
  if (name === '') return 'a header must have a name';
  if (name.startsWith(':') || name.toLowerCase() === 'host') return `"${name}" cannot be changed as a header`;
  return token.test(name) ? undefined : `"${name}" is not the name of an HTTP header`;
};

/** As above, and the host, which is then rewritten (Istio `ValidateHTTPHeaderWithAuthorityOperationName`). */
export const writableRequestHeaderProblem: Check<string> = (name) =>
  isHost(name) ? undefined : writableHeaderProblem(name);

export function isHost(name: string): boolean {
  return name.toLowerCase() === 'host' || name.toLowerCase() === ':authority';
}

/** One of HTTP itself, of none of HTTP/2's request line. */
export const headerName = text((name) =>
  token.test(name) ? undefined : `"${name}" is not the name of an HTTP header`,
);

export const writableHeader = text(writableHeaderProblem);

export const writableRequestHeader = text(writableRequestHeaderProblem);

/** What a header may carry: tabs, but no other control character. */
export const headerText = text(textProblem);

/** With Envoy's commands, such as `%REQ(x-user)%`; `%%` is a `%`. */
export const headerValue = text((value) => textProblem(value) ?? headerValueProblem(value));

function textProblem(value: string): string | undefined {
  const isControl = (character: string) => (character < ' ' && character !== '\t') || character === '\x7f';
  return Array.from(value).some(isControl) ? 'must not have control characters' : undefined;
}
