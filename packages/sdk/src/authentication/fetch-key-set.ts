import type { Clock } from '@inmesh/core';
import { Agent } from 'undici';

/** Returns the text at `uri`. Rejects with what is wrong, in words that may be logged. */
export type FetchKeySet = (uri: string, timeoutMs: number) => Promise<string>;

/** Ample for hundreds of keys. */
const maxBytes = 1024 * 1024;

/**
 * Fetches key sets over connections of their own, outside of the mesh: what checks tokens must not depend on routes that
 * ask for them, nor on what `mesh.install()` or others put in the place of undici's own dispatcher. Redirects are not
 * followed: they could lead to another scheme or host than the one that the configuration trusts.
 */
export function keySetFetcher(clock: Clock): FetchKeySet {
  let agent: Agent | undefined;
  return async (uri, timeoutMs) => {
    const { protocol, origin, pathname, search } = new URL(uri);
    if (protocol !== 'http:' && protocol !== 'https:') throw new Error(`${protocol} is neither http: nor https:`);
    agent ??= new Agent({ maxResponseSize: maxBytes });
    const controller = new AbortController();
    const timer = clock.setTimer(timeoutMs, () => controller.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const { statusCode, body } = await agent.request({
        ...{ origin, path: `${pathname}${search}`, method: 'GET', signal: controller.signal },
        headers: { accept: 'application/json' },
      });
      if (statusCode === 200) return await body.text();
      await body.dump();
      throw new Error(statusOf(statusCode));
    } finally {
      timer.cancel();
    }
  };
}

function statusOf(status: number): string {
  if (status >= 300 && status < 400) return `status ${status}: redirects are not followed, give the last address`;
  return `status ${status}`;
}
