import { describe, expect, it } from 'vitest';
import { interpretAnswer } from './dns-answer.js';
import type { DnsMessage, DnsRecord } from './dns-message.js';

const question = { name: 'www.test', type: 'A' } as const;

function message(answers: readonly DnsRecord[], overrides: Partial<DnsMessage> = {}): DnsMessage {
  return { question, truncated: false, rcode: 0, answers, authorities: [], additionals: [], ...overrides };
}

const alias = (name: string, target: string, ttl = 60): DnsRecord => ({ type: 'CNAME', name, target, ttl });
const address = (name: string, ip: string, ttl = 60): DnsRecord => ({ type: 'A', name, address: ip, ttl });

describe('interpretAnswer', () => {
  it('follows aliases in any order, takes the smallest lifetime of the chain and leaves strangers out', () => {
    const answers = [
      address('b.test', '10.0.0.1', 30),
      address('stranger.test', '10.9.9.9', 1),
      alias('a.test', 'b.test', 7),
      alias('www.test', 'a.test', 20),
    ];
    expect(interpretAnswer(question, message(answers))).toEqual({
      kind: 'records',
      records: [address('b.test', '10.0.0.1', 30)],
      additional: [],
      ttlSeconds: 7,
    });
  });

  it('takes aliases that go in a circle, or to nowhere, for a name without data', () => {
    const circle = [alias('www.test', 'a.test'), alias('a.test', 'www.test')];
    expect(interpretAnswer(question, message(circle)).kind).toBe('noData');
    expect(interpretAnswer(question, message([alias('www.test', 'gone.test')])).kind).toBe('noData');
  });

  it('takes the lifetime of «there is none» from the SOA record, the smaller of its two', () => {
    const authorities: DnsRecord[] = [{ type: 'SOA', name: 'test', ttl: 12, minimum: 8 }];
    expect(interpretAnswer(question, message([], { authorities, rcode: 3 }))).toEqual({
      kind: 'nxdomain',
      negativeTtl: 8,
    });
    expect(interpretAnswer(question, message([], { authorities }))).toEqual({ kind: 'noData', negativeTtl: 8 });
    expect(interpretAnswer(question, message([]))).toEqual({ kind: 'noData', negativeTtl: 5 });
  });

  it.each([
    [1, 'serverError'],
    [2, 'servfail'],
    [4, 'serverError'],
    [5, 'refused'],
  ])('calls error code %d a failure, %s', (rcode, reason) => {
    expect(interpretAnswer(question, message([], { rcode }))).toEqual({ kind: 'failure', reason });
  });
});
