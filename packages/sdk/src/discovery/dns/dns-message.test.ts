import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnswer, encodeQuery, isAnswerTo, isEncodableName } from './dns-message.js';

const answer = dnsPacket.encode({
  type: 'response',
  id: 7,
  questions: [{ type: 'A', name: 'Reviews.Test' }],
  answers: [
    { type: 'CNAME', name: 'reviews.test', ttl: 9, data: 'V1.test' },
    { type: 'A', name: 'v1.test', ttl: 0x80000001, data: '10.0.0.1' },
    { type: 'AAAA', name: 'v1.test', ttl: 5, data: 'fd00::1' },
    { type: 'TXT', name: 'v1.test', ttl: 5, data: 'left out' },
    { type: 'A', name: 'v1.test', class: 'CH', ttl: 5, data: '10.0.0.9' },
  ],
});

describe('decodeAnswer', () => {
  it('gives records of the types in use, with names in lower case, and a lifetime with the highest bit set as zero', () => {
    expect(decodeAnswer(answer)).toMatchObject({
      question: { name: 'reviews.test', type: 'A' },
      truncated: false,
      rcode: 0,
      answers: [
        { type: 'CNAME', name: 'reviews.test', ttl: 9, target: 'v1.test' },
        { type: 'A', name: 'v1.test', ttl: 0, address: '10.0.0.1' },
        { type: 'AAAA', name: 'v1.test', ttl: 5, address: 'fd00::1' },
      ],
    });
  });

  it('gives no message for a packet cut anywhere', () => {
    for (let length = 0; length < answer.length; length += 1) {
      expect(decodeAnswer(answer.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
  });

  it('gives no message for a query', () => {
    expect(decodeAnswer(encodeQuery(1, { name: 'a.test', type: 'A' }, 4096))).toBeUndefined();
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeAnswer(Buffer.from(bytes))));
    const flips = fc.array(fc.tuple(fc.nat(answer.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(flips, (changes) => {
        const bent = Buffer.from(answer);
        for (const [at, byte] of changes) bent[at] = byte;
        decodeAnswer(bent);
      }),
    );
  });
});

describe('encodeQuery', () => {
  it('asks for recursion and says how large an answer may be', () => {
    const query = dnsPacket.decode(encodeQuery(513, { name: 'a.test', type: 'SRV' }, 4096));
    expect(query).toMatchObject({ id: 513, flag_rd: true, questions: [{ name: 'a.test', type: 'SRV', class: 'IN' }] });
    expect(query.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 4096 }]);
    expect(dnsPacket.decode(encodeQuery(1, { name: 'a.test', type: 'A' }, 0)).additionals).toEqual([]);
  });
});

describe('isAnswerTo', () => {
  const message = decodeAnswer(answer)!;

  it('wants the question back, in any case of letters', () => {
    expect(isAnswerTo({ name: 'reviews.test', type: 'A' }, message)).toBe(true);
    expect(isAnswerTo({ name: 'reviews.test', type: 'AAAA' }, message)).toBe(false);
    expect(isAnswerTo({ name: 'other.test', type: 'A' }, message)).toBe(false);
  });

  it('does without it only where the answer is an error', () => {
    const question = { name: 'reviews.test', type: 'A' } as const;
    expect(isAnswerTo(question, { ...message, question: undefined, rcode: 2 })).toBe(true);
    expect(isAnswerTo(question, { ...message, question: undefined, rcode: 0 })).toBe(false);
    expect(isAnswerTo(question, { ...message, question: undefined, rcode: 3 })).toBe(false);
  });
});

describe('isEncodableName', () => {
  it.each([
    ['a', true],
    [`${'a'.repeat(63)}.test`, true],
    [`${'a'.repeat(64)}.test`, false],
    ['a..test', false],
    ['.test', false],
    ['', false],
    [`${'a.'.repeat(126)}a`, true],
    [`${'a.'.repeat(127)}a`, false],
  ])('%s: %s', (name, expected) => {
    expect(isEncodableName(name)).toBe(expected);
  });
});
