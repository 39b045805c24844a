import { describe, expect, it } from 'vitest';
import { clusterMessage, listenerMessage, resourceSet, routeMessage, serviceSet } from '../../test/fixtures.js';
import { decodeResources } from './decode-resources.js';
import { formatResourceError } from './decode-result.js';

describe('decodeResources', () => {
  it('reads a whole set', () => {
    const { resources, errors } = decodeResources(serviceSet({ reviews: ['10.0.0.1'] }));
    expect(errors).toEqual([]);
    expect([...resources.listeners.keys(), ...resources.routes.keys()]).toEqual(['reviews', 'reviews']);
    expect(resources.assignments.get('reviews')?.localities[0]?.endpoints[0]?.address).toBe('10.0.0.1:8080');
  });

  it('leaves out what is wrong, says why, and keeps the rest', () => {
    const bad = clusterMessage('bad', { connectTimeout: {}, edsClusterConfig: {} });
    const warned = clusterMessage('warned', { healthChecks: [{}] });
    const set = resourceSet({ clusters: [bad, clusterMessage('good'), warned], routes: [routeMessage('r', 'good')] });
    const { resources, errors, warnings } = decodeResources(set);
    expect([...resources.clusters.keys()]).toEqual(['good', 'warned']);
    expect(errors.map(formatResourceError)).toEqual([
      'Cluster "bad": eds_cluster_config.eds_config: should be "ads" or "self"; connect_timeout: must be more than zero',
    ]);
    expect(warnings).toMatchObject([{ name: 'warned', warnings: [{ path: 'health_checks' }] }]);
  });

  it('keeps listeners under the lower-case name that they are found by', () => {
    const { resources } = decodeResources(resourceSet({ listeners: [listenerMessage('Reviews:80')] }));
    expect([...resources.listeners.keys()]).toEqual(['reviews:80']);
  });
});
