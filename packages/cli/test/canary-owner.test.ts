import { describe, expect, it } from 'vitest';
import { routedKinds } from '../src/canary/routes/kinds.js';
import { lastingOwner } from '../src/canary/target/field-managers.js';

const ownerOf = (manager: string, operation: string) => {
  const managedFields = [{ manager, operation, time: 'now', fieldsV1: { 'f:spec': { 'f:http': {} } } }];
  return lastingOwner(routedKinds[0]!, { metadata: { managedFields } });
};

describe('who holds on to weights', () => {
  it.each([
    ['argocd-controller', 'Apply'],
    ['argocd-controller', 'Update'],
    ['kustomize-controller', 'Apply'],
    ['our-operator', 'Apply'],
  ])('is %s by %s', (manager, operation) => {
    expect(ownerOf(manager, operation)).toBe(`${manager} (${operation}, now)`);
  });

  it.each([
    ['kubectl', 'Apply'],
    ['kubectl-client-side-apply', 'Update'],
    ['inmesh-canary', 'Update'],
  ])('is not %s by %s, who writes once', (manager, operation) => {
    expect(ownerOf(manager, operation)).toBeUndefined();
  });
});
