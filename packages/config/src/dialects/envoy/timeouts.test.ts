import { create } from '@bufbuild/protobuf';
import { type RouteAction, RouteSchema, VirtualHostSchema } from '@inmesh/xds/messages';
import { expect, it } from 'vitest';
import { withTimeoutAlone } from './timeouts.js';

type Times = Pick<Partial<RouteAction>, 'timeout' | 'maxStreamDuration'>;

const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 }) as NonNullable<Times['timeout']>;

function hostWith(times: object) {
  const route = create(RouteSchema, { name: 'a', action: { case: 'route', value: { ...times } } });
  return create(VirtualHostSchema, { name: 'a', domains: ['a'], routes: [route] });
}

function timesOf(times: object): Times {
  const [route] = withTimeoutAlone(hostWith(times)).routes;
  if (route?.action.case !== 'route') throw new Error('no route');
  return route.action.value;
}

it('leaves out what says the timeout once more, which Envoy would keep to alone', () => {
  const told = timesOf({ timeout: seconds(2), maxStreamDuration: { maxStreamDuration: seconds(2) } });
  expect(told.timeout).toMatchObject(seconds(2));
  expect(told.maxStreamDuration).toBeUndefined();
});

it('keeps a duration of streams that is none of the timeout, and hosts that say nothing twice', () => {
  const told = timesOf({ timeout: seconds(2), maxStreamDuration: { maxStreamDuration: seconds(9) } });
  expect(told.maxStreamDuration?.maxStreamDuration).toMatchObject(seconds(9));
  const plain = hostWith({ timeout: seconds(2) });
  expect(withTimeoutAlone(plain)).toBe(plain);
});
