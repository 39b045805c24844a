import type { Listener, MeshResources } from '@inmesh/core';

/** The listener that takes every host that no other one does. */
const everyOtherHost = '*';

/** Istio's name and answer for what a client may not call. */
const name = 'block_all';

const blockAll: Listener = Object.freeze({
  name: everyOtherHost,
  routes: Object.freeze({
    name,
    virtualHosts: [
      {
        name,
        domains: ['*'],
        routes: [
          {
            name,
            match: { path: { kind: 'prefix', value: '/', ignoreCase: false } as const, headers: [], query: [] },
            action: { kind: 'directResponse', httpStatus: 502, body: '' } as const,
            requestHeaders: [],
            responseHeaders: [],
            fault: undefined,
            cors: undefined,
            rateLimits: [],
          },
        ],
      },
    ],
  }),
});

type Listeners = MeshResources['listeners'];

/** The same object for the same listeners, because later stages compare by identity. */
const closed = new WeakMap<Listeners, Listeners>();

/** Whatever the configuration is, even none: a host that it does not name is answered with 502, and never dialled. */
export function registryOnly(resources: MeshResources): MeshResources {
  if (resources.listeners.has(everyOtherHost)) return resources;
  const listeners = closed.get(resources.listeners) ?? new Map(resources.listeners).set(everyOtherHost, blockAll);
  closed.set(resources.listeners, listeners);
  return { ...resources, listeners };
}
