import { peer, peerNames } from './peers.js';

/**
 * Before the tests, because no time-out of a test is long enough for a first build. One that cannot be built stops no other: the
 * tests that want it say why.
 */
export default async function buildPeers(): Promise<void> {
  for (const name of peerNames) {
    const start = performance.now();
    const outcome = await peer(name).then(() => 'built', why);
    const seconds = (performance.now() - start) / 1000;
    if (outcome !== 'built' || seconds > 1) process.stdout.write(`${name}: ${outcome} (${seconds.toFixed(0)} s)\n`);
  }
}

function why(error: unknown): string {
  return String(error);
}
