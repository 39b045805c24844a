import { testForward, testRoute, testRouteConfiguration } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { clustersOf } from './references.js';

describe('the clusters of a route configuration', () => {
  it('are those of its targets and of its mirrors, each once', () => {
    const action = testForward({
      targets: [
        { cluster: 'a', weight: 1 },
        { cluster: 'b', weight: 1 },
      ],
      mirrors: [
        { cluster: 'm', perMillion: 1_000_000, shadowSuffix: true },
        { cluster: 'a', perMillion: 1, shadowSuffix: true },
      ],
    });
    const answer = testRoute({ action: { kind: 'directResponse', httpStatus: 200, body: '' } });
    const routes = [testRoute({ action }), answer, testRoute({ cluster: 'b' })];
    expect(clustersOf(testRouteConfiguration([{ domains: ['*'], routes }]))).toEqual(['a', 'b', 'm']);
  });
});
