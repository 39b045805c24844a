import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificates.js';
import { issuesOf } from '../test/support.js';
import { withoutKeys } from './without-keys.js';

const { key } = makeCertificate();
const word = btoa(key);
const head = 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n';

describe('A key in a broken file', () => {
  it.each([
    ['not indented', `${head}stringData:\n  tls.key: |\n${key}`],
    ['without quotes', `${head}stringData:\n  tls.key: ${key}`],
    ['a field, twice', `${head}data:\n  ${word}: 5\n  ${word}: 6`],
    ['an alias', `${head}data:\n  tls.key: *${word}`],
    ['a tag', `${head}data:\n  tls.key: !${word} a`],
    ['the header of a block', `${head}data:\n  tls.key: |${word}\n`],
    ['a directive', `%${word}\n---\n${head}`],
    ['a field of no kind', `${head}${word}: 5`],
    ['a name', `apiVersion: v1\nkind: Secret\nmetadata: { name: ${word} }`],
    ['a kind', `apiVersion: v1\nkind: ${word}\nmetadata: { name: a }`],
    ['of a wrong type', `apiVersion: v1\nkind: Secret\nmetadata: { name: a, annotations: ${word} }`],
    ['a value where there is a list', `${head}data: { tls.crt: [${word}], tls.key: [${word}] }`],
    ['base64 that is cut off', `${head}data: { tls.crt: ${word}, tls.key: ${word.slice(0, 61)} }`],
  ])('is not told of: %s', (_, text) => {
    const said = issuesOf(text).join('\n');
    expect(said).not.toBe('');
    for (const line of [...key.split('\n').filter((part) => part.length > 40), word]) {
      expect(said).not.toContain(line.slice(0, 30));
    }
  });

  it('is told from names and paths', () => {
    const message =
      'there is already a Service default/a-long-name (/Users/Bob2/projects/mesh/configuration/shop.yaml:7)';
    const field = 'spec.hosts[0].averyveryveryverylongnamewithoutanyuppercaseletter0123';
    const issue = { severity: 'error', file: 'a', line: 1, column: 1, object: 'Service a', field, message } as const;
    expect(withoutKeys(issue)).toEqual(issue);
  });
});
