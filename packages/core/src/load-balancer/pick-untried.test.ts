import { describe, expect, it } from 'vitest';
import type { EndpointView } from '../cluster-view.js';
import { testCall, testEndpoint, testEndpointViews } from '../testing/index.js';
import { pickUntried } from './pick-untried.js';

const [a, b, c] = testEndpointViews([{}, {}, {}]) as [EndpointView, EndpointView, EndpointView];

function picksInOrder(...picks: (EndpointView | undefined)[]) {
  return { pick: () => picks.shift(), left: () => picks.length };
}

function callThatTried(...tried: EndpointView[]) {
  const call = testCall();
  call.triedEndpoints = tried;
  return call;
}

describe('pickUntried', () => {
  it('picks once for a call that has tried nothing', () => {
    const balancer = picksInOrder(a, b);
    expect(pickUntried(balancer, testCall(), 5)).toBe(a);
    expect(balancer.left()).toBe(1);
  });

  it('picks again while the pick was tried before', () => {
    expect(pickUntried(picksInOrder(a, b, c), callThatTried(a, b), 5)).toBe(c);
  });

  it('uses the last pick when no attempt is left', () => {
    const balancer = picksInOrder(a, b, a, c);
    expect(pickUntried(balancer, callThatTried(a, b), 2)).toBe(a);
    expect(balancer.left()).toBe(1);
    expect(pickUntried(picksInOrder(a, c), callThatTried(a), 0)).toBe(a);
  });

  it('knows an endpoint by its state, whichever snapshot it is seen from', () => {
    const later = { ...a, endpoint: testEndpoint({ weight: 9 }) };
    expect(pickUntried(picksInOrder(later, b), callThatTried(a), 1)).toBe(b);
  });

  it('leaves nothing to pick as it is', () => {
    expect(pickUntried(picksInOrder(undefined), callThatTried(a), 5)).toBeUndefined();
    expect(pickUntried(picksInOrder(a, undefined, b), callThatTried(a), 5)).toBeUndefined();
  });
});
