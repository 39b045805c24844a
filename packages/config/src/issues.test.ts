import { describe, expect, it } from 'vitest';
import { formatIssue, type Issue, IssueList } from './issues.js';

const issue: Issue = {
  severity: 'error',
  file: 'vs.yaml',
  line: 9,
  column: 7,
  object: 'VirtualService default/reviews',
  field: 'spec.http[0].route[1].weight',
  message: 'must not be negative',
};

describe('An issue', () => {
  it('is written with its place, its object, its field and what to do about it', () => {
    expect(formatIssue({ ...issue, hint: 'use 0' })).toBe(
      'vs.yaml:9:7: error: VirtualService default/reviews: spec.http[0].route[1].weight: must not be negative (use 0)',
    );
  });

  it('is written without what does not apply', () => {
    expect(formatIssue({ ...issue, object: '', field: '', severity: 'warning' })).toBe(
      'vs.yaml:9:7: warning: must not be negative',
    );
  });
});

describe('A list of issues', () => {
  it('says the same only once, in the order of files and lines', () => {
    const list = new IssueList();
    for (const [file, line] of [
      ['b.yaml', 1],
      ['a.yaml', 10],
      ['a.yaml', 9],
      ['a.yaml', 10],
    ] as const) {
      list.add({ ...issue, file, line });
    }
    expect(list.sorted().map((found) => `${found.file}:${found.line}`)).toEqual(['a.yaml:9', 'a.yaml:10', 'b.yaml:1']);
  });
});
