import { describe, expect, it } from 'vitest';
import { MeshError } from '../errors.js';
import type { LocalResponse, Service } from '../service.js';
import { FakeReply } from '../testing/fake-reply.js';
import { testCall } from '../testing/index.js';
import { type Authorize, authorizationFilter } from './authorization.js';

const refusal: LocalResponse = { httpStatus: 403, grpcStatus: 7, headers: [], body: 'not you', flags: 'UAEX' };

function serve(authorize: Authorize<ReturnType<typeof testCall>>) {
  const served: string[] = [];
  const handler: Service = async ({ path }) => {
    served.push(path);
    return new FakeReply(200);
  };
  return { served, service: authorizationFilter(authorize)(handler) };
}

describe('An incoming call that is checked', () => {
  it('reaches the handler when nothing is said against it, and within the same turn', () => {
    const { served, service } = serve(() => undefined);
    void service(testCall());
    expect(served).toHaveLength(1);
  });

  it('is answered with the refusal, and its handler does not run', async () => {
    const { served, service } = serve(() => refusal);
    expect(await service(testCall())).toMatchObject({ httpStatus: 403, flags: 'UAEX' });
    expect(served).toEqual([]);
  });

  it('waits for a verdict that takes time', async () => {
    const { served, service } = serve(async () => refusal);
    expect(await service(testCall())).toMatchObject({ httpStatus: 403 });
    expect(served).toEqual([]);
  });

  it.each([
    () => {
      throw new Error('the policy server is away');
    },
    async () => {
      throw new Error('the policy server is away');
    },
  ])('is refused when the check fails', async (authorize) => {
    const { served, service } = serve(authorize);
    await expect(service(testCall())).rejects.toThrow('away');
    expect(served).toEqual([]);
  });

  it('fails with the reason of its end when that comes during the check', async () => {
    let allow!: (refusal: undefined) => void;
    const { served, service } = serve(
      () =>
        new Promise((resolve) => {
          allow = resolve;
        }),
    );
    const call = testCall();
    const outcome = service(call);
    call.cancel(new MeshError('deadline_exceeded'));
    allow(undefined);
    await expect(outcome).rejects.toMatchObject({ reason: 'deadline_exceeded' });
    expect(served).toEqual([]);
  });
});
