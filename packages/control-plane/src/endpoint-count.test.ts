import type { ClusterLoadAssignment, Endpoint } from '@inmesh/core';
import { expect, it } from 'vitest';
import { EndpointCount } from './endpoint-count.js';

function assignment(...addresses: string[]): ClusterLoadAssignment {
  const endpoints = addresses.map((address) => ({ address }) as Endpoint);
  return { localities: [{ endpoints }] } as unknown as ClusterLoadAssignment;
}

function looked(addresses: readonly string[], onLook: () => void): ClusterLoadAssignment {
  const { localities } = assignment(...addresses);
  return {
    get localities() {
      onLook();
      return localities;
    },
  } as ClusterLoadAssignment;
}

const none = { clusters: new Map() };
const of = (...all: ClusterLoadAssignment[]) => ({
  ...none,
  assignments: new Map(all.map((one, at) => [`${at}`, one])),
});

it('counts an address once, of however many assignments it is', () => {
  const count = new EndpointCount();
  const [all, v1] = [assignment('a', 'b'), assignment('a')];
  expect(count.of(of(all, v1))).toBe(2);
  expect(count.of(of(v1))).toBe(1);
  expect(count.of(of())).toBe(0);
});

it('looks into those that are others alone', () => {
  const looks: string[] = [];
  const [a, b] = ['a', 'b'].map((name) => looked([name], () => looks.push(name)));
  const count = new EndpointCount();
  count.of(of(a!, b!));
  looks.length = 0;
  expect(count.of(of(a!, b!, assignment('c')))).toBe(3);
  expect(looks).toEqual([]);
  expect(count.of(of(a!))).toBe(1);
  expect(looks).toEqual(['b']);
});
