import { describe, expect, it } from 'vitest';
import type { Service } from '../service.js';
import { FakeReply } from '../testing/fake-reply.js';
import { testCall } from '../testing/index.js';
import { concurrencyLimitFilter } from './concurrency-limit.js';

function serve(maxConcurrent: number, handler?: Service) {
  const replies: FakeReply[] = [];
  const answer: Service = async () => {
    const reply = new FakeReply(200);
    replies.push(reply);
    return reply;
  };
  return { replies, service: concurrencyLimitFilter(maxConcurrent)(handler ?? answer) };
}

const refusal = { reason: 'concurrency_limited', httpStatus: 503, grpcStatus: 8, maybeSent: false };

describe('Incoming calls above the limit', () => {
  it('are refused while so many are being answered', async () => {
    const { replies, service } = serve(2);
    await Promise.all([service(testCall()), service(testCall())]);
    await expect(service(testCall())).rejects.toMatchObject(refusal);
    expect(replies).toHaveLength(2);
  });

  it('have a place again when a response has ended, and not before', async () => {
    const { replies, service } = serve(1);
    const reply = await service(testCall());
    reply.deliver();
    await expect(service(testCall())).rejects.toMatchObject(refusal);
    replies[0]!.finish();
    await expect(service(testCall())).resolves.toBeDefined();
  });

  it('have a place again when a call fails, in whatever way', async () => {
    const { service } = serve(1, () => {
      throw new Error('no');
    });
    await expect(service(testCall())).rejects.toThrow('no');
    await expect(service(testCall())).rejects.toThrow('no');
  });
});
