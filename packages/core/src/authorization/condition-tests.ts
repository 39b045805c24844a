import type { CidrRange, PathTemplate } from '../model/authorization.js';
import type { CompiledRegex, HeaderMatcher, PathMatcher } from '../model/route.js';
import type { CallTest } from '../router/call-matcher.js';
import { compileHeaderMatcher, compileHeaderTest } from '../router/header-matcher.js';
import { compilePathMatcher, withoutQuery } from '../router/path-matcher.js';
import { compileStringMatcher, type TextTest } from '../router/string-matcher.js';
import { compileCidrRange } from './ip-range.js';
import { authorityForms, headerForms, pathForms } from './path-forms.js';

/**
 * How a condition meets what may be read in several ways. `exact`: as Envoy does; `loose`: met where any reading meets it.
 * A condition that leads to a refusal is loose, and one that leads to admission is exact; `not` turns one into the other.
 */
export type Strictness = 'exact' | 'loose';

export function opposite(strictness: Strictness): Strictness {
  return strictness === 'exact' ? 'loose' : 'exact';
}

/** Of a connection that was reset nobody tells the ends any more: what is unknown may be any address. */
export function addressTest(range: CidrRange, strictness: Strictness): (address: string) => boolean {
  const contains = compileCidrRange(range);
  return strictness === 'exact' ? contains : (address) => address === '' || contains(address);
}

/** The same for the port it came to, where 0 is the unknown one. */
export function portTest(matches: (port: number) => boolean, strictness: Strictness): CallTest {
  return (call) => {
    const port = call.connection?.localPort ?? 0;
    return port === 0 ? strictness === 'loose' : matches(port);
  };
}

export function pathTest(matcher: PathMatcher, strictness: Strictness): CallTest {
  const exact = compilePathMatcher(matcher);
  if (strictness === 'exact') return exact;
  const test = pathTextTest(matcher);
  return (call) => exact(call) || pathForms(withoutQuery(call.path)).some(test);
}

export function pathTemplateTest(template: PathTemplate, strictness: Strictness): CallTest {
  if (strictness === 'exact') return (call) => template.matches(withoutQuery(call.path));
  return (call) => pathForms(withoutQuery(call.path)).some((form) => inAnyCase(template, form));
}

export function headerTest(matcher: HeaderMatcher, strictness: Strictness): CallTest {
  const { name } = matcher;
  // Routes do not see gRPC's binary metadata; policies do, as Envoy's: who says that it is gRPC is the client.
  const exact = name.endsWith('-bin') ? lineTest(matcher) : compileHeaderMatcher(matcher);
  const isHost = name === ':authority' || name === 'host';
  if (strictness === 'exact') return isHost ? exactHostTest(matcher, exact) : exact;
  const test = compileHeaderTest(ignoringCase(matcher));
  if (name === ':path') return (call) => exact(call) || pathForms(withoutQuery(call.path)).some(test);
  if (isHost) {
    return (call) => exact(call) || authorityForms(call.authority).some(test);
  }
  if (name.startsWith(':') || matcher.test.kind === 'present') return exact;
  const valueTest = compileHeaderTest(matcher);
  return (call) => {
    const lines = call.headers.getAll(name);
    if (lines.length === 0) return exact(call);
    const forms = headerForms(lines);
    return forms === undefined || forms.some(valueTest);
  };
}

function lineTest(matcher: HeaderMatcher): CallTest {
  const test = compileHeaderTest(matcher);
  return (call) => test(call.headers.getJoined(matcher.name));
}

/** Envoy compares what the client wrote, so that both that and the one form of it have to be admitted. */
function exactHostTest(matcher: HeaderMatcher, exact: CallTest): CallTest {
  const test = compileHeaderTest(matcher);
  return (call) => {
    const written = call.headers.get('host');
    return exact(call) && (written === undefined || test(written));
  };
}

/** Of paths and hosts, whose case routers and DNS do not mind. */
function ignoringCase(matcher: HeaderMatcher): HeaderMatcher {
  const { test } = matcher;
  if (test.kind !== 'string' || test.matcher.kind === 'regex') return matcher;
  return { ...matcher, test: { kind: 'string', matcher: { ...test.matcher, ignoreCase: true } } };
}

function pathTextTest(matcher: PathMatcher): TextTest {
  if (matcher.kind === 'regex') return (path) => inAnyCase(matcher.regex, path);
  if (matcher.kind !== 'pathSeparatedPrefix') return compileStringMatcher({ ...matcher, ignoreCase: true });
  const value = matcher.value.toLowerCase();
  return (path) => path.toLowerCase() === value || path.toLowerCase().startsWith(`${value}/`);
}

function inAnyCase(pattern: CompiledRegex | PathTemplate, path: string): boolean {
  return pattern.matches(path) || pattern.matchesAnyCase?.(path) === true;
}
