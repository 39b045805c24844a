import { decodeResources, formatResourceError } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { policy } from '../../../test/inbound-support.js';
import { load } from '../../../test/support.js';
import { formatIssue } from '../../issues.js';

const long = 'x'.repeat(4200);

function authorization(rule: string): string {
  return policy(`{ action: DENY, rules: [${rule}] }`, 'p', 'prod');
}

const source = (fields: string) => authorization(`{ from: [{ source: { ${fields} } }] }`);
const path = (value: string) => authorization(`{ to: [{ operation: { paths: ["${value}"] } }] }`);

function tokens(fields: string): string {
  const spec = `{ jwtRules: [{ issuer: "https://i.example", ${fields} }] }`;
  return policy(spec, 'p', 'prod').replace('AuthorizationPolicy', 'RequestAuthentication');
}

/** Whoever asks first: the default client is in another namespace than the policy. */
function problemsOf(text: string): string[] {
  const { issues, resources } = load(text);
  expect(decodeResources(resources).errors.map(formatResourceError)).toEqual([]);
  return issues.map(formatIssue);
}

describe('What no client could read of a policy is refused with its field, wherever the policy stands', () => {
  it.each<[string, string, string]>([
    ['timeout: "0s"', tokens('timeout: "0s"'), 'jwtRules[0].timeout: must be more than zero'],
    [
      'a claim between two dots',
      tokens('outputClaimToHeaders: [{ header: x, claim: "a..b" }]'),
      'jwtRules[0].outputClaimToHeaders[0].claim: "a..b" names no claim',
    ],
    [
      'a token in the path',
      tokens('fromHeaders: [{ name: ":path" }]'),
      'jwtRules[0].fromHeaders[0].name: ":path" is not the name of an HTTP header',
    ],
    [
      'a claim for the authority',
      tokens('outputClaimToHeaders: [{ header: ":authority", claim: a }]'),
      'outputClaimToHeaders[0].header: ":authority" is not the name of an HTTP header',
    ],
    [
      'claims for the path',
      tokens('outputPayloadToHeader: ":path"'),
      'jwtRules[0].outputPayloadToHeader: ":path" is not the name of an HTTP header',
    ],
    [
      'a long principal',
      source(`principals: ["*${long}"]`),
      'from[0].source.principals[0]: "*xxxxxxxxxxxxxxxxxxx…" has',
    ],
    ['a long namespace', source(`namespaces: ["${long}"]`), 'source.namespaces[0]: "xxxxxxxxxxxxxxxxxxxx…" has 4200'],
    ['a long account', source(`serviceAccounts: ["${long}"]`), 'serviceAccounts[0]: "xxxxxxxxxxxxxxxxxxxx…" has 4200'],
    [
      'a long principal in a condition',
      authorization(`{ when: [{ key: source.principal, values: ["*${long}"] }] }`),
      'when[0].values[0]: "*xxxxxxxxxxxxxxxxxxx…" has 4201',
    ],
    ['a long template', path(`/{*}/${long}`), 'operation.paths[0]: "/*/xxx'],
    ['a template with an empty segment', path('/{*}//x'), 'paths[0]: "/*//x" has the segment ""'],
  ])('%s', (_, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
    expect(problems[0]).toMatch(/^a\.yaml:5:\d+: error: /);
  });

  it('what no field tells is found by making the policy once, for any client', () => {
    // With each of its dots quoted it is longer than an expression may be.
    const dots = source(`principals: ["*${'.'.repeat(2047)}"]`);
    expect(problemsOf(dots)).toEqual([
      expect.stringMatching(
        /^a\.yaml:5:\d+: error: AuthorizationPolicy prod\/p: spec: no client can read what it is made into: rules\.policies/,
      ),
    ]);
  });

  it('and what is known to be wrong is said once', () => {
    const text = authorization('{ when: [{ key: source.ip, values: ["x"] }] }');
    expect(problemsOf(text)).toEqual([expect.stringContaining('"x" is no IP address')]);
  });
});
