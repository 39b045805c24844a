import type { Call } from '../call.js';
import type { HeaderMatcher } from '../model/route.js';
import type { CallTest } from './call-matcher.js';
import { compileStringMatcher, type TextTest } from './string-matcher.js';

export type HeaderTest = (value: string | undefined) => boolean;

/**
 * Compiles Envoy's `HeaderMatcher`. `present` compares presence with what is wanted, and inverting it asks for the
 * opposite; every other test fails on a missing header, inverted or not, unless it is treated as empty
 * (route_components.proto, header_utility.cc).
 */
export function compileHeaderMatcher(matcher: HeaderMatcher): CallTest {
  const read = headerReader(matcher.name);
  const test = compileHeaderTest(matcher);
  return (call) => test(read(call));
}

/** The same for a value wherever it comes from; undefined where the header is missing. */
export function compileHeaderTest({ invert, test, treatMissingAsEmpty }: HeaderMatcher): HeaderTest {
  if (test.kind === 'present') {
    const wanted = test.present !== invert;
    return (value) => (value !== undefined) === wanted;
  }
  const matches = test.kind === 'string' ? compileStringMatcher(test.matcher) : rangeTest(test.start, test.end);
  const whenMissing = treatMissingAsEmpty && matches('') !== invert;
  return (value) => (value === undefined ? whenMissing : matches(value) !== invert);
}

function headerReader(name: string): (call: Call) => string | undefined {
  switch (name) {
    case ':method':
      return (call) => call.method;
    case ':path':
      return (call) => call.path;
    case ':scheme':
      return (call) => call.scheme;
    case ':authority':
    // HTTP/2 has no `host`, and Envoy reads one name as the other.
    case 'host':
      return (call) => call.authority;
  }
  if (!name.endsWith('-bin')) return (call) => call.headers.getJoined(name);
  // gRPC keeps binary metadata from matchers: it counts as absent (gRFC A28).
  return (call) => (call.protocol === 'grpc' ? undefined : call.headers.getJoined(name));
}

/** [start, end) of a decimal int64, blanks around it allowed (Envoy uses absl::SimpleAtoi). */
function rangeTest(start: number, end: number): TextTest {
  return (text) => {
    if (!/^\s*[+-]?\d+\s*$/.test(text)) return false;
    const value = Number(text);
    return value >= start && value < end;
  };
}
