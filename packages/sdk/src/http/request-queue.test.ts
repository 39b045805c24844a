import { describe, expect, it } from 'vitest';
import { ignoreResponse } from './ignore-response.js';
import { type QueuedRequest, RequestQueue } from './request-queue.js';

function request(isOver = false) {
  const handler = { ...ignoreResponse, isOver };
  return { options: { path: '/', method: 'GET' as const }, handler } satisfies QueuedRequest;
}

describe('requests that wait for a connection', () => {
  it('have their turn in the order in which they came, without those that were given up', () => {
    const queue = new RequestQueue();
    const [first, second, third] = [request(), request(), request()];
    for (const one of [first, second, third]) queue.add(one);
    second.handler.isOver = true;
    expect(queue.next()).toBe(first);
    queue.putBack(first);
    expect([queue.next(), queue.next(), queue.next()]).toEqual([first, third, undefined]);
    expect(queue.isEmpty).toBe(true);
  });

  it('are forgotten when they were given up, also while nobody’s turn comes', () => {
    const queue = new RequestQueue();
    const patient = request();
    queue.add(patient);
    for (let i = 0; i < 10_000; i += 1) queue.add(request(true));
    expect(queue.length).toBeLessThanOrEqual(65);
    expect(queue.next()).toBe(patient);
  });

  it('are all kept while none was given up', () => {
    const queue = new RequestQueue();
    const requests = Array.from({ length: 1000 }, () => request());
    for (const one of requests) queue.add(one);
    expect(queue.takeAll()).toEqual(requests);
    expect(queue.isEmpty).toBe(true);
  });
});
