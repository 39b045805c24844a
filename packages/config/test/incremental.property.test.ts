import { versionSnapshot } from '@inmesh/xds/server';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ClientView } from '../src/client.js';
import { type LoadedConfig, loadConfig } from '../src/load-config.js';
import { Memory } from '../src/memory.js';
import type { SourceFile } from '../src/source-file.js';
import { type Change, change } from './random-objects.js';

const clients: readonly ClientView[] = [
  { namespace: 'n1' },
  { namespace: 'n2', labels: { app: 'b' }, locality: { region: 'r', zone: 'z1', subZone: '' }, nodeName: 'a' },
  { namespace: 'n1', labels: { app: 'a' }, nodeName: 'b', egress: 'REGISTRY_ONLY' },
  { namespace: 'n1', kind: 'envoy' },
  { namespace: 'n2', kind: 'envoy', interception: 'NONE' },
  { namespace: 'n2', kind: 'envoy', proxyPort: 3128 },
  { namespace: 'n1', kind: 'grpc' },
  { namespace: 'n2', labels: { app: 'b' }, kind: 'grpc' },
];

/** All that clients and users get to see of it; versions are hashes of the bytes. */
function seen({ resources, issues, client, objects }: LoadedConfig) {
  const { cluster, endpoint, listener, route, secret } = versionSnapshot(resources, undefined);
  const versions = [cluster, endpoint, listener, route, secret].map(({ version, resources: all }) => {
    return [version, ...[...all.values()].map((one) => `${one.name} ${one.version}`)];
  });
  return { versions, issues, client, objects };
}

function apply(files: Map<string, SourceFile>, { path, file }: Change): void {
  if (file === undefined) files.delete(path);
  else files.set(path, file);
}

it('what is made of changes is what is made from scratch, in any order of the objects, for clients of each kind', () => {
  const changes = fc.array(change, { minLength: 30, maxLength: 50 });
  fc.assert(
    fc.property(changes, fc.nat(), (sequence, choice) => {
      const files = new Map<string, SourceFile>();
      const memory = new Memory();
      for (const [index, one] of sequence.entries()) {
        apply(files, one);
        memory.beginRound();
        const now = [...files.values()];
        // Others come back after some rounds, as clients do.
        for (const client of [clients[0]!, clients[(index + choice) % clients.length]!]) {
          const made = loadConfig(now, { client }, memory);
          const fresh = loadConfig(now.toReversed(), { client });
          expect(seen(made)).toEqual(seen(fresh));
          if (index === sequence.length - 1) expect(made.resources).toEqual(fresh.resources);
        }
      }
    }),
    { seed: 6, numRuns: 6 },
  );
}, 60_000);
