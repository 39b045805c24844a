import { describe, expect, it } from 'vitest';
import { createClusterState } from '../cluster-state.js';
import type { ClusterView, EndpointView } from '../cluster-view.js';
import {
  FakeClock,
  testCall,
  testCluster,
  testEndpoint,
  testEndpointView,
  testEndpointViews,
} from '../testing/index.js';
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

  it('tells the balancer how many of its picks were refused', () => {
    const asked: (number | undefined)[] = [];
    const balancer = {
      pick(_: unknown, refused?: number) {
        asked.push(refused);
        return [a, a, a, b][asked.length - 1];
      },
    };
    expect(pickUntried(balancer, callThatTried(a), 5)).toBe(b);
    expect(asked).toEqual([undefined, 1, 2, 3]);
  });

  it('looks for an untried endpoint in the priority of the last pick, then in the others', () => {
    const views = [0, 1, 1].map((priority, index) => ({ ...[a, b, c][index]!, priority }));
    const call = callThatTried(views[1]!);
    call.cluster = clusterOf(views);
    const always = { pick: () => views[1] };
    expect(pickUntried(always, call, 2)).toBe(views[2]);
    call.triedEndpoints = [views[1]!, views[2]!];
    expect(pickUntried(always, call, 2)).toBe(views[0]);
  });

  it('finds no ejected, unhealthy or removed endpoint', () => {
    const views = [
      a,
      testEndpointView({ host: '10.0.1.1' }, {}, { ejected: true }),
      testEndpointView({ host: '10.0.1.2', health: 'draining' }),
      testEndpointView({ host: '10.0.1.3' }, { removed: true }),
    ];
    const call = callThatTried(a);
    call.cluster = clusterOf(views);
    expect(pickUntried({ pick: () => a }, call, 2)).toBe(a);
  });
});

function clusterOf(endpoints: readonly EndpointView[]): ClusterView {
  const cluster = testCluster();
  const state = createClusterState(cluster, { clock: new FakeClock(), random: () => 0 });
  return { cluster, endpoints, loadBalancer: picksInOrder(), state };
}
